//! What the client makes of the answers of a server that breaks, goes round in circles, or leaves out what it must not.

mod caching;
mod changes;
mod health;
mod imports;
mod serving;
mod streams;
mod updating;
mod watching;
