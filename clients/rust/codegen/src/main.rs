//! Generates `src/generated` from the protos, and what the runner of scenarios has to know of them.
//!
//! `codegen PROTOS CRATE SCRATCH`: the folder of the protos, that of the crate, and one for what is thrown away.

use std::{env, error::Error, fs, path::Path};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = env::args_os().skip(1).collect();
    let [protos, package, made] = words.as_slice() else {
        return Err("usage: codegen PROTOS CRATE SCRATCH".into());
    };
    let (protos, package, made) = (Path::new(protos), Path::new(package), Path::new(made));
    let mut sources = Vec::new();
    for entry in fs::read_dir(protos.join("twinfront/v1"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            sources.push(path);
        }
    }
    sources.sort();
    let mut compiler = protox::Compiler::new([protos, &protos.join("third_party")])?;
    compiler.include_imports(true).open_files(&sources)?;
    fs::write(package.join("runner/src/descriptors.binpb"), compiler.file_descriptor_set().encode_to_vec())?;

    let generated = package.join("src/generated");
    // Comments of the protos become those of the stubs.
    let files = compiler.include_source_info(true).file_descriptor_set();
    let mut config = prost_build::Config::new();
    // Details of errors are found by their type names.
    config.enable_type_names();
    tonic_prost_build::configure()
        .build_server(false)
        .build_transport(false)
        .extern_path(".google.rpc.Status", "::tonic_types::Status")
        .out_dir(made)
        .compile_fds_with_config(files, config)?;
    // What the protos import is generated too, and not wanted: crates have it.
    fs::copy(made.join("twinfront.v1.rs"), generated.join("twinfront.v1.rs"))?;
    fs::copy(protos.join("twinfront/v1/twinfront_service_config.json"), generated.join("service_config.json"))?;
    Ok(())
}
