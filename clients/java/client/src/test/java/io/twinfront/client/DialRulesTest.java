package io.twinfront.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DialRulesTest {
    @ParameterizedTest
    @CsvSource(quoteCharacter = '"', textBlock = """
            # target,                       tls,   token, insecure, allowed
            localhost:50051,                false, false, false,    true
            localhost,                      false, false, false,    true
            127.0.0.1:50051,                false, false, false,    true
            [::1]:50051,                    false, false, false,    true
            dns:///localhost:50051,         false, false, false,    true
            dns:localhost:50051,            false, false, false,    true
            dns://192.0.2.1/localhost:1,    false, false, false,    false
            dns:///twins.example.com:443,   false, false, false,    false
            unix:///run/twinfront,          false, false, false,    true
            twins.example.com:443,          false, false, false,    false
            localhost.example.com:443,      false, false, false,    false
            127.0.0.1.example.com:443,      false, false, false,    false
            192.0.2.1:443,                  false, false, false,    false
            [2001:db8::1]:443,              false, false, false,    false
            "ipv4:127.0.0.1:1,192.0.2.1:1", false, false, false,    false
            xds:///twins,                   false, false, false,    false
            twins.example.com:443,          false, false, true,     true
            twins.example.com:443,          true,  true,  false,    true
            twins.example.com:443,          false, true,  true,     false
            localhost:50051,                false, true,  false,    false
            localhost:50051,                false, true,  true,     true
            localhost:50051,                true,  false, true,     false
            """)
    void nothingTravelsInTheClearUnasked(
            String target, boolean hasTls, boolean hasToken, boolean isInsecure, boolean allowed) {
        if (allowed) {
            DialRules.check(target, hasTls, hasToken, isInsecure);
        } else {
            assertThrows(IllegalArgumentException.class, () -> DialRules.check(target, hasTls, hasToken, isInsecure));
        }
    }

    @Test
    void theClientKeepsTheRules() {
        TwinfrontClient.builder("twins.example.com:443")
                .tls(Tls.standard())
                .token(() -> "t")
                .build()
                .close();
        TwinfrontClient.builder("localhost:50051")
                .insecure()
                .token(() -> "t")
                .build()
                .close();
        assertThrows(IllegalArgumentException.class, () -> TwinfrontClient.create("twins.example.com:443"));
        TwinfrontClient.Builder both =
                TwinfrontClient.builder("localhost:50051").insecure().tls(Tls.standard());
        assertThrows(IllegalArgumentException.class, both::build);
    }

    @Test
    void filesHaveToBeThereAndWhatTheyShouldBe(@TempDir Path folder) throws IOException {
        TwinfrontClient.Builder missing =
                TwinfrontClient.builder("localhost:50051").tls(Tls.standard().ca(folder.resolve("missing.pem")));
        assertThrows(UncheckedIOException.class, missing::build);
        Path empty = Files.createFile(folder.resolve("empty.pem"));
        TwinfrontClient.Builder noAuthority =
                TwinfrontClient.builder("localhost:50051").tls(Tls.standard().ca(empty));
        assertThrows(IllegalArgumentException.class, noAuthority::build);
        TwinfrontClient.Builder noKey =
                TwinfrontClient.builder("localhost:50051").tls(Tls.standard().certificate(empty, empty));
        assertThrows(IllegalArgumentException.class, noKey::build);
    }

    @Test
    void theVersionIsThatOfTheProject() {
        assertEquals(System.getProperty("project.version"), TwinfrontClient.VERSION);
    }
}
