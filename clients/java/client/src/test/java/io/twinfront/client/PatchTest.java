package io.twinfront.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.twinfront.v1.JsonPatchOperation;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class PatchTest {
    @Test
    void operationsComeInOrder() {
        List<JsonPatchOperation> operations = new Patch()
                .add("/a", 1)
                .replace(List.of("a/b", "~c"), 1.5)
                .remove("/x")
                .migrate("dtmi:example:Room;2")
                .operations();
        assertEquals(
                List.of("OP_ADD /a", "OP_REPLACE /a~1b/~0c", "OP_REMOVE /x", "OP_REPLACE /$metadata/$model"),
                operations.stream()
                        .map(one -> one.getOp() + " " + one.getPath())
                        .toList());
        assertEquals(1, operations.get(0).getValue().getIntValue());
        assertEquals(1.5, operations.get(1).getValue().getDoubleValue());
    }

    @Test
    void sourceTimesAreWrittenToHundredNanoseconds() {
        Instant when = Instant.parse("2026-06-01T07:30:00.123456789Z");
        List<JsonPatchOperation> operations = new Patch()
                .sourceTime("temperature", when)
                .sourceTime("setpoint", when, "thermostat")
                .operations();
        assertEquals("/$metadata/temperature/sourceTime", operations.get(0).getPath());
        assertEquals(
                "/thermostat/$metadata/setpoint/sourceTime", operations.get(1).getPath());
        assertEquals(
                "2026-06-01T07:30:00.1234567Z", operations.get(0).getValue().getStringValue());
    }

    @Test
    void whatIsNoPointerIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Patch().remove("temperature"));
        assertThrows(IllegalArgumentException.class, () -> new Patch().remove(List.of()));
    }

    @Test
    void whatIsNoValueIsRefused() {
        assertThrows(ValueException.class, () -> new Patch().add("/a", Double.NaN));
    }
}
