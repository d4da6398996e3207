"""Where a Kafka topic is, as settings say it."""

import ssl

import pytest

from twinfront_program.kafka_url import KafkaUrl


def test_a_topic_is_at_one_broker_or_several() -> None:
    assert KafkaUrl.parse("kafka://one:9092/twins") == KafkaUrl(("one:9092",), "twins", tls=False)
    url = KafkaUrl.parse("kafkas://one:9093,[::1]:9094/a.b_c-d")
    assert (url.servers, url.topic, url.tls) == (("one:9093", "[::1]:9094"), "a.b_c-d", True)


def test_a_user_and_a_password_may_stand_before_the_brokers() -> None:
    url = KafkaUrl.parse("kafkas://a%40b:p%3A%2F%20w@one:9093/twins")
    assert (url.user, url.password, url.servers) == ("a@b", "p:/ w", ("one:9093",))


def test_a_password_is_shown_nowhere() -> None:
    url = KafkaUrl.parse("kafkas://user:hidden@one:9093/twins")
    assert "hidden" not in repr(url)
    assert str(url) == "kafkas://one:9093/twins"


def test_a_client_reaches_the_brokers_as_the_url_says() -> None:
    plain = KafkaUrl.parse("kafka://one:9092,two:9092/twins")
    assert plain.client_options() == {
        "bootstrap_servers": ["one:9092", "two:9092"],
        "security_protocol": "PLAINTEXT",
    }
    secured = KafkaUrl.parse("kafkas://user:hidden@one:9093/twins")
    context = ssl.create_default_context()
    assert secured.client_options(context) == {
        "bootstrap_servers": ["one:9093"],
        "security_protocol": "SASL_SSL",
        "ssl_context": context,
        "sasl_plain_username": "user",
        "sasl_plain_password": "hidden",
    }
    assert secured.client_options()["ssl_context"].verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kafka:",
        "kafka://",
        "kafka:///twins",
        "kafka://one/twins",
        "kafka://one:9092",
        "kafka://one:9092/",
        "kafka://one:0/twins",
        "kafka://one:99999/twins",
        "kafka://one:9092,/twins",
        "kafka://one:9092/tw ins",
        "kafka://one:9092/..",
        "kafka://one:9092/" + "a" * 250,
        "kafka://@one:9092/twins",
        "kafka://:secret@one:9092/twins",
        "http://one:9092/twins",
        "kafka://" + "one:9092," * 2000 + "one:9092/twins",
    ],
)
def test_what_is_no_topic_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"URL|Kafka topic") as refused:
        KafkaUrl.parse(text)
    assert "secret" not in str(refused.value)
