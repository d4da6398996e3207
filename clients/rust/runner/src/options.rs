use std::{collections::HashMap, error::Error};

use twinfront::{Client, ClientBuilder, Tls};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What a program with a client was called with.
pub(crate) struct Options {
    values: HashMap<String, String>,
    /// The first word that is no option; those behind it are not read.
    pub(crate) other: Option<String>,
}

impl Options {
    pub(crate) fn of(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut values = HashMap::new();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else {
                return Ok(Self { values, other: Some(word) });
            };
            values.insert(name.to_owned(), words.next().ok_or("an option without its value")?);
        }
        Ok(Self { values, other: None })
    }

    fn find(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }

    pub(crate) fn get(&self, name: &str) -> Result<String> {
        self.find(name).ok_or_else(|| format!("--{name} is missing").into())
    }

    /// Makes the client that they tell of; `present` has it present the `--token`, if there is one.
    pub(crate) fn dial(&self, present: impl FnOnce(ClientBuilder, String) -> ClientBuilder) -> Result<Client> {
        let mut builder = Client::builder(self.get("address")?);
        if let Some(token) = self.find("token") {
            builder = present(builder, token);
        }
        if let Some(ca) = self.find("ca") {
            let mut tls = Tls::new().ca(ca);
            if let (Some(cert), Some(key)) = (self.find("cert"), self.find("key")) {
                tls = tls.identity(cert, key);
            }
            if let Some(name) = self.find("server-name") {
                tls = tls.server_name(name);
            }
            builder = builder.tls(tls);
        } else if self.values.contains_key("token") {
            builder = builder.insecure();
        }
        Ok(builder.build()?)
    }
}
