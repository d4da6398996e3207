//! Messages by their descriptors, as scenarios name calls and write messages as JSON.

use std::sync::LazyLock;

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions};
use serde_json::Value as Json;
use twinfront::{
    prost_types::FileDescriptorSet,
    tonic::{
        Status,
        codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    },
};

use crate::Result;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let contract = include_bytes!("descriptors.binpb").as_slice();
    let mut pool = DescriptorPool::decode(contract).expect("`generate` writes descriptors");
    // The details of errors, which the contract itself does not import; the status it does, by its full path.
    let details = FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET).expect("the crate tests it");
    let is_new = |name: &str| name != "status.proto" && pool.get_file_by_name(name).is_none();
    let new: Vec<_> = details.file.into_iter().filter(|file| is_new(file.name())).collect();
    pool.add_file_descriptor_protos(new).expect("they import what is there");
    pool
});

/// A method by its name in a scenario: `ModelService/GetModel`.
pub(crate) fn method(call: &str) -> Result<MethodDescriptor> {
    let (service, name) = call.split_once('/').unwrap_or_default();
    POOL.get_service_by_name(&format!("twinfront.v1.{service}"))
        .and_then(|service| service.methods().find(|method| method.name() == name))
        .ok_or_else(|| format!("there is no {call}").into())
}

/// A message from its JSON form.
pub(crate) fn parsed(descriptor: MessageDescriptor, json: &Json) -> Result<DynamicMessage> {
    Ok(DynamicMessage::deserialize(descriptor, json)?)
}

/// A message of the stubs from its JSON form.
pub(crate) fn typed<M: prost::Name + Default>(json: &Json) -> Result<M> {
    Ok(parsed(descriptor_of::<M>()?, json)?.transcode_to()?)
}

/// A message of the stubs in its JSON form.
pub(crate) fn plain<M: prost::Name>(message: &M) -> Result<Json> {
    let mut dynamic = DynamicMessage::new(descriptor_of::<M>()?);
    dynamic.transcode_from(message)?;
    json_of(&dynamic)
}

/// A message in its JSON form.
pub(crate) fn json_of(message: &DynamicMessage) -> Result<Json> {
    Ok(message.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new())?)
}

fn descriptor_of<M: prost::Name>() -> Result<MessageDescriptor> {
    POOL.get_message_by_name(&M::full_name()).ok_or_else(|| format!("there is no {}", M::full_name()).into())
}

/// The codec of calls that answer messages of a descriptor.
#[derive(Clone)]
pub(crate) struct DynamicCodec(pub(crate) MessageDescriptor);

impl Codec for DynamicCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for DynamicCodec {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for DynamicCodec {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.0.clone(), buffer);
        message.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
