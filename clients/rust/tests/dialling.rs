//! Nothing travels in the clear unasked.

use twinfront::{Client, ConfigError, Tls};

#[tokio::test]
async fn this_machine_is_reached_in_the_clear() {
    for target in ["localhost:50051", "127.0.0.1:50051", "127.9.9.9:1", "[::1]:50051"] {
        assert!(Client::new(target).is_ok(), "{target}");
    }
}

#[tokio::test]
async fn another_machine_is_not_unless_allowed() {
    for target in ["twins.example.com:443", "localhost.example.com:443", "192.0.2.1:1", "[2001:db8::1]:1"] {
        assert!(matches!(Client::new(target), Err(ConfigError::InTheClear(_))), "{target}");
        assert!(Client::builder(target).insecure().build().is_ok(), "{target}");
    }
}

#[tokio::test]
async fn a_token_stays_on_this_machine_and_is_allowed() {
    let token = |target| Client::builder(target).token("t");
    assert!(matches!(token("localhost:50051").build(), Err(ConfigError::TokenNotAllowed)));
    assert!(token("localhost:50051").insecure().build().is_ok());
    let abroad = token("twins.example.com:443").insecure().build();
    assert!(matches!(abroad, Err(ConfigError::TokenInTheClear(_))));
}

#[tokio::test]
async fn tls_and_insecure_exclude_each_other() {
    let both = Client::builder("localhost:50051").tls(Tls::new()).insecure().build();
    assert!(matches!(both, Err(ConfigError::TlsAndInsecure)));
}

#[tokio::test]
async fn files_are_read_when_the_client_is_made() {
    let with = |tls| Client::builder("twins.example.com:443").tls(tls).token("t").build();
    assert!(
        matches!(with(Tls::new().ca("no-such-file")), Err(ConfigError::File(path, _)) if path.ends_with("no-such-file"))
    );
    assert!(matches!(with(Tls::new().ca(file!())), Err(ConfigError::NoCertificate(_))));
    assert!(matches!(with(Tls::new().ca("Cargo.toml").identity("a", "b")), Err(ConfigError::NoCertificate(_))));
}

#[tokio::test]
async fn a_target_is_a_host_and_a_port() {
    for target in ["", "localhost", "http://localhost:1", "localhost:x", "user@localhost:1", "localhost:1/path"] {
        assert!(matches!(Client::new(target), Err(ConfigError::Target(_))), "{target}");
    }
}

#[tokio::test]
async fn a_target_may_have_several_addresses() {
    for target in ["ipv4:127.0.0.1:1", "ipv4:127.0.0.1:1,127.0.0.2:2", "ipv6:[::1]:1,[::1]:2"] {
        assert!(Client::new(target).is_ok(), "{target}");
    }
    let abroad = "ipv4:127.0.0.1:1,192.0.2.1:1";
    assert!(matches!(Client::new(abroad), Err(ConfigError::InTheClear(_))));
    assert!(Client::builder(abroad).insecure().build().is_ok());
    for target in
        ["ipv4:", "ipv4:127.0.0.1:1,", "ipv4:127.0.0.1", "ipv4:localhost:1", "ipv4:[::1]:1", "ipv6:127.0.0.1:1"]
    {
        assert!(matches!(Client::new(target), Err(ConfigError::Target(_))), "{target}");
    }
}

#[tokio::test]
async fn a_token_is_not_printed() {
    assert!(!format!("{:?}", Client::builder("localhost:1").token("secret")).contains("secret"));
}
