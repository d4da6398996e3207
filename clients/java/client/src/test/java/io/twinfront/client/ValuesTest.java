package io.twinfront.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.InvalidProtocolBufferException;
import io.twinfront.v1.CreateOrReplaceDigitalTwinRequest;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.Value;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ValuesTest {
    @ParameterizedTest
    @MethodSource
    void valuesComeBackAsTheyWere(Object value) {
        assertEquals(value, Values.fromValue(Values.toValue(value)));
    }

    static Stream<Object> valuesComeBackAsTheyWere() {
        return Stream.of(
                null,
                true,
                false,
                0L,
                Long.MAX_VALUE,
                Long.MIN_VALUE,
                21.0,
                -0.0,
                Double.MAX_VALUE,
                "",
                "ä🏢\u0000",
                Arrays.asList(1L, 1.0, "x", null, List.of()),
                Map.of("a/b", Map.of(), "", 1L));
    }

    @ParameterizedTest
    @MethodSource
    void otherTypesBecomeThoseOfTheService(Object value, Object expected) {
        assertEquals(expected, Values.fromValue(Values.toValue(value)));
    }

    static Stream<Arguments> otherTypesBecomeThoseOfTheService() {
        return Stream.of(
                Arguments.of(1, 1L),
                Arguments.of((short) 2, 2L),
                Arguments.of((byte) -3, -3L),
                Arguments.of(0.5f, 0.5),
                Arguments.of(BigInteger.valueOf(Long.MIN_VALUE), Long.MIN_VALUE),
                Arguments.of(Collections.singleton("x"), List.of("x")),
                Arguments.of(new double[] {20, 21.5}, List.of(20.0, 21.5)),
                Arguments.of(new Object[] {"x", 1}, List.of("x", 1L)));
    }

    @Test
    void aValueStaysAsItIs() {
        Value value = Value.newBuilder().setIntValue(1).build();
        assertSame(value, Values.toValue(value));
    }

    @ParameterizedTest
    @MethodSource
    void whatHasNoJsonFormIsRefusedByItsPath(Object value, String path) {
        assertEquals(
                path,
                assertThrows(ValueException.class, () -> Values.toValue(value)).getPath());
    }

    static Stream<Arguments> whatHasNoJsonFormIsRefusedByItsPath() {
        return Stream.of(
                Arguments.of(Double.NaN, ""),
                Arguments.of(Map.of("a/b", List.of(1, Float.POSITIVE_INFINITY)), "/a~1b/1"),
                Arguments.of(Map.of("n", BigInteger.ONE.shiftLeft(63)), "/n"),
                Arguments.of(List.of("\ud83c"), "/0"),
                Arguments.of(Map.of("\udfe2", 1), ""),
                Arguments.of(Map.of("when", Instant.EPOCH), "/when"),
                Arguments.of(new BigDecimal("0.1"), ""),
                Arguments.of(Map.of(1, 1), ""));
    }

    @Test
    void nestingEndsWhereProtobufEnds() throws InvalidProtocolBufferException {
        for (Object most : List.of(nested(48), objects(32))) {
            CreateOrReplaceDigitalTwinRequest request = CreateOrReplaceDigitalTwinRequest.newBuilder()
                    .setDigitalTwin(DigitalTwin.newBuilder().putAllProperties(Values.toValues(Map.of("p", most))))
                    .build();
            CreateOrReplaceDigitalTwinRequest read =
                    CreateOrReplaceDigitalTwinRequest.parseFrom(request.toByteString());
            assertEquals(
                    most,
                    Values.fromValues(read.getDigitalTwin().getPropertiesMap()).get("p"));
        }
        for (Object tooMuch : List.of(nested(49), objects(33), nested(1000))) {
            assertThrows(ValueException.class, () -> Values.toValue(tooMuch));
            ValueException refused = assertThrows(ValueException.class, () -> Values.toValues(Map.of("p", tooMuch)));
            assertTrue(refused.getPath().startsWith("/p/"), refused.getPath());
        }
    }

    private static Object objects(int depth) {
        return depth == 0 ? 1L : Map.of("a", objects(depth - 1));
    }

    @Test
    void aNumberIsReadAsADoubleWhicheverWayItWasWritten() {
        assertEquals(OptionalDouble.of(20), Values.asDouble(Values.toValue(20)));
        assertEquals(OptionalDouble.of(20.5), Values.asDouble(Values.toValue(20.5)));
        assertEquals(OptionalDouble.of(-0x1p63), Values.asDouble(Values.toValue(Long.MIN_VALUE)));
        for (Object other : Arrays.asList(null, true, "20", List.of(20))) {
            assertEquals(OptionalDouble.empty(), Values.asDouble(Values.toValue(other)));
        }
        assertEquals(OptionalDouble.empty(), Values.asDouble(Value.getDefaultInstance()));
    }

    @Test
    void thePathOfAPropertyStartsWithItsName() {
        Map<String, Object> properties = Map.of("size", Map.of("width", Double.NaN));
        ValueException refused = assertThrows(ValueException.class, () -> Values.toValues(properties));
        assertEquals("/size/width", refused.getPath());
        assertEquals("the value at /size/width is NaN, which JSON has no form for", refused.getMessage());
    }

    private static Object nested(int levels) {
        Object value = 1L;
        for (int i = 0; i < levels; i++) {
            value = List.of(value);
        }
        return value;
    }
}
