package io.twinfront.client;

import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.Objects;

/**
 * How a client uses TLS: {@code Tls.standard().ca(Path.of("ca.pem"))}. Each method gives another {@code Tls} and leaves this
 * one as it is.
 */
public final class Tls {
    private static final Tls STANDARD = new Tls(null, null, null, null);

    private final Path ca;
    private final Path cert;
    private final Path key;
    private final String serverName;

    private Tls(Path ca, Path cert, Path key, String serverName) {
        this.ca = ca;
        this.cert = cert;
        this.key = key;
        this.serverName = serverName;
    }

    /** {@return TLS that checks the server's certificate against Java's own list of authorities, for the target's name} */
    public static Tls standard() {
        return STANDARD;
    }

    /**
     * Names the authorities that may vouch for the server, instead of Java's own list.
     *
     * @param file a PEM file with one certificate or more
     * @return TLS with these authorities
     */
    public Tls ca(Path file) {
        return new Tls(Objects.requireNonNull(file), cert, key, serverName);
    }

    /**
     * Presents a certificate, for servers that ask for one (mTLS).
     *
     * @param certFile a PEM file with the client's certificate chain
     * @param keyFile a PEM file with its private key: PKCS #8, not encrypted
     * @return TLS with this certificate
     */
    public Tls certificate(Path certFile, Path keyFile) {
        return new Tls(ca, Objects.requireNonNull(certFile), Objects.requireNonNull(keyFile), serverName);
    }

    /**
     * Says which name the server's certificate has to bear, if it is not the one in the target.
     *
     * @param name a host name
     * @return TLS that expects the name
     */
    public Tls serverName(String name) {
        return new Tls(ca, cert, key, Objects.requireNonNull(name));
    }

    /** The name that the certificate has to bear; null for the one in the target. */
    String expectedName() {
        return serverName;
    }

    ChannelCredentials credentials() {
        TlsChannelCredentials.Builder credentials = TlsChannelCredentials.newBuilder();
        try {
            if (ca != null) {
                checkCertificates(ca);
                credentials.trustManager(ca.toFile());
            }
            if (cert != null) {
                checkCertificates(cert);
                credentials.keyManager(cert.toFile(), key.toFile());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return credentials.build();
    }

    /** Netty takes a file without any certificate and lets every handshake fail. */
    private static void checkCertificates(Path file) throws IOException {
        try (InputStream pem = Files.newInputStream(file)) {
            if (CertificateFactory.getInstance("X.509")
                    .generateCertificates(pem)
                    .isEmpty()) {
                throw new IllegalArgumentException(file + " has no certificate in it");
            }
        } catch (CertificateException e) {
            throw new IllegalArgumentException(file + " has something else than certificates in it", e);
        }
    }
}
