#![doc = include_str!("../README.md")]

mod circle;
mod client;
mod config;
mod connection;
mod error;
mod importing;
mod kind;
mod listing;
mod patch;
mod pause;
mod pointer;
mod streaming;
mod token;
mod twin_cache;
mod updating;
mod value;
mod watching;

pub use client::Client;
pub use config::{ClientBuilder, ConfigError, Tls};
pub use connection::{Connection, Servers};
pub use error::{Error, Failure};
pub use kind::Kind;
pub use listing::{ItemOf, ListRequest, PageOf};
pub use patch::{Patch, PatchError, PatchProblem};
pub use pointer::{IntoPointer, pointer};
pub use twin_cache::{TwinCache, TwinCacheBuilder};
pub use value::{ValueError, from_value, from_values, to_value, to_values};
pub use watching::{Resource, Watch, WatchItem, Watched};

// Types of these are part of the API.
pub use {prost_types, tonic, tonic_types};

/// The messages and clients of the contract `twinfront.v1`, generated from its protos.
///
/// A call is a method of a client, such as [`get_digital_twin`]; a [`Client`] makes clients that are set up as they
/// should be.
///
/// [`get_digital_twin`]: digital_twin_service_client::DigitalTwinServiceClient::get_digital_twin
#[allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]
pub mod v1 {
    include!("generated/twinfront.v1.rs");
}
