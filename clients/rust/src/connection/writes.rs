//! What can be done to a write before it is sent, whose message is in bytes by then.

use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message;

use crate::v1::{self, JsonPatchOperation, json_patch_operation::Op};

/// A flag and the length, which go before a message.
const PREFIX: usize = 5;

/// The requests that a `request_id` makes known to the server. Not so a batch: each of its items has a refusal of its own.
trait Write: Message + Default {
    const PATH: &str;

    fn request_id(&mut self) -> &mut String;
    fn validate_only(&self) -> bool;

    fn patch(&self) -> &[JsonPatchOperation] {
        &[]
    }
}

macro_rules! writes {
    ($($service:ident/$method:ident: $request:ident $($patch:ident)?,)*) => {
        $(
            impl Write for v1::$request {
                const PATH: &str = concat!("/twinfront.v1.", stringify!($service), "/", stringify!($method));

                fn request_id(&mut self) -> &mut String {
                    &mut self.request_id
                }

                fn validate_only(&self) -> bool {
                    self.validate_only
                }

                $(
                    fn $patch(&self) -> &[JsonPatchOperation] {
                        &self.$patch
                    }
                )?
            }
        )*

        /// Gives a write that can have one a `request_id` unless it has one; and tells whether it may be sent again after
        /// its answer was lost.
        pub(super) fn identified(path: &str, framed: Bytes) -> (Bytes, bool) {
            match path {
                $(v1::$request::PATH => identified_as::<v1::$request>(framed),)*
                _ => (framed, false),
            }
        }

        #[cfg(test)]
        const PATHS: &[&str] = &[$(v1::$request::PATH,)*];
    };
}

writes! {
    DigitalTwinService/CreateOrReplaceDigitalTwin: CreateOrReplaceDigitalTwinRequest,
    DigitalTwinService/UpdateDigitalTwin: UpdateDigitalTwinRequest patch,
    DigitalTwinService/MergeDigitalTwin: MergeDigitalTwinRequest,
    DigitalTwinService/DeleteDigitalTwin: DeleteDigitalTwinRequest,
    DigitalTwinService/UpdateComponent: UpdateComponentRequest patch,
    RelationshipService/CreateOrReplaceRelationship: CreateOrReplaceRelationshipRequest,
    RelationshipService/UpdateRelationship: UpdateRelationshipRequest patch,
    RelationshipService/DeleteRelationship: DeleteRelationshipRequest,
    ModelService/CreateModels: CreateModelsRequest,
    ModelService/DecommissionModel: DecommissionModelRequest,
    ModelService/DeleteModel: DeleteModelRequest,
}

fn identified_as<W: Write>(framed: Bytes) -> (Bytes, bool) {
    // What is compressed, or no such message, is the caller's own affair.
    let Some(Ok(mut write)) = framed.strip_prefix(&[0]).and_then(|rest| rest.get(PREFIX - 1..)).map(W::decode) else {
        return (framed, false);
    };
    let bears_a_loss = !write.patch().iter().any(shifts_elements);
    if !write.request_id().is_empty() || write.validate_only() {
        return (framed, bears_a_loss);
    }
    *write.request_id() = format!("{:032x}", fastrand::u128(..));
    let length = write.encoded_len();
    let Ok(told) = u32::try_from(length) else {
        return (framed, false);
    };
    let mut identified = BytesMut::with_capacity(PREFIX + length);
    identified.put_u8(0);
    identified.put_u32(told);
    write.encode_raw(&mut identified);
    (identified.freeze(), bears_a_loss)
}

/// Tells whether an operation adds an element to an array or takes one out: it does more if it is applied twice.
fn shifts_elements(operation: &JsonPatchOperation) -> bool {
    let name = operation.path.rsplit('/').next().unwrap_or_default();
    let is_index = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    operation.op() != Op::Replace && (name == "-" || is_index)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_types::FileDescriptorSet;

    use super::*;

    fn framed(message: &impl Message) -> Bytes {
        let length = u32::try_from(message.encoded_len()).unwrap();
        [&[0], &length.to_be_bytes()[..], &message.encode_to_vec()].concat().into()
    }

    /// The request as it would be sent, and whether it may be sent again.
    fn sent<W: Write>(write: &W) -> (W, bool) {
        let (identified, bears_a_loss) = identified(W::PATH, framed(write));
        assert_eq!(identified, framed(&W::decode(&identified[PREFIX..]).unwrap()));
        (W::decode(&identified[PREFIX..]).unwrap(), bears_a_loss)
    }

    #[test]
    fn every_write_of_the_contract_that_can_have_an_id_gets_one() {
        let contract = include_bytes!("../../runner/src/descriptors.binpb").as_slice();
        let files = FileDescriptorSet::decode(contract).unwrap().file;
        let named: BTreeSet<_> = files
            .iter()
            .flat_map(|file| &file.message_type)
            .filter(|message| {
                let has = |name| message.field.iter().any(|field| field.name() == name);
                has("request_id") && !has("writes")
            })
            .map(|message| message.name().to_owned())
            .collect();
        let mut wanted = BTreeSet::new();
        for service in files.iter().flat_map(|file| &file.service) {
            for method in &service.method {
                if named.contains(method.input_type().rsplit('.').next().unwrap()) {
                    wanted.insert(format!("/twinfront.v1.{}/{}", service.name(), method.name()));
                }
            }
        }
        assert_eq!(PATHS.iter().map(|&path| path.to_owned()).collect::<BTreeSet<_>>(), wanted);
    }

    #[test]
    fn a_write_gets_an_id_of_its_own_and_stays_what_it_is() {
        let write = v1::DeleteDigitalTwinRequest {
            digital_twin_id: "room-001".into(),
            if_match: "e".into(),
            ..Default::default()
        };
        let ((one, bears_a_loss), (other, _)) = (sent(&write), sent(&write));
        assert!(bears_a_loss && one.request_id.len() == 32 && one.request_id != other.request_id);
        assert_eq!(v1::DeleteDigitalTwinRequest { request_id: String::new(), ..one }, write);
    }

    #[test]
    fn an_id_of_the_callers_is_kept_and_a_dry_run_has_none() {
        let write = v1::DeleteModelRequest { request_id: "order-4711".into(), ..Default::default() };
        assert_eq!(sent(&write), (write, true));
        let dry_run = v1::DeleteModelRequest { validate_only: true, ..Default::default() };
        assert_eq!(sent(&dry_run), (dry_run, true));
    }

    #[test]
    fn patches_that_shift_elements_are_not_sent_again() {
        for (op, path, bears_a_loss) in [
            (Op::Add, "/list/-", false),
            (Op::Add, "/list/0", false),
            (Op::Remove, "/list/12", false),
            (Op::Replace, "/list/0", true),
            (Op::Add, "/list0", true),
            (Op::Remove, "/", true),
        ] {
            let operation = JsonPatchOperation { op: op.into(), path: path.into(), ..Default::default() };
            let write = v1::UpdateComponentRequest { patch: vec![operation], ..Default::default() };
            assert_eq!(sent(&write).1, bears_a_loss, "{op:?} {path}");
        }
    }

    #[test]
    fn what_is_no_such_write_stays_as_it_is() {
        let batch = framed(&v1::BatchWriteDigitalTwinsRequest::default());
        for (path, bytes) in [
            ("/twinfront.v1.DigitalTwinService/BatchWriteDigitalTwins", batch),
            (v1::DeleteModelRequest::PATH, Bytes::from_static(&[1, 0, 0, 0, 0])),
            (v1::DeleteModelRequest::PATH, Bytes::from_static(&[0, 0, 0, 0, 1, 0xff])),
            (v1::DeleteModelRequest::PATH, Bytes::from_static(&[0, 0])),
        ] {
            assert_eq!(identified(path, bytes.clone()), (bytes, false));
        }
    }
}
