// twins [--ca FILE [--cert FILE --key FILE]] ADDRESS COMMAND WORD..., where the commands are
//
//   create MODEL ID AREA    creates a twin and prints its etag
//   area ID                 prints the area of a twin
//   change ID AREA ETAG     sets the area if the twin still has the etag, and prints the new one
//   query QUERY             prints the ids of the twins that a query finds, a line for each message of the stream
//
// A call that fails ends with 1; the code is printed, and what is in the details.

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "twinfront/v1/digital_twin_service.grpc.pb.h"
#include "twinfront/v1/error_details.pb.h"
#include "twinfront/v1/query_service.grpc.pb.h"

namespace {

namespace v1 = twinfront::v1;

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
}

// What follows prints what a call answered, or why it failed, and returns the exit code.

int Failed(const grpc::Status& status) {
  std::cout << "code " << status.error_code() << '\n';
  // The trailer grpc-status-details-bin, as it came.
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) throw std::runtime_error("the details are no status");
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    v1::EtagConflict conflict;
    if (detail.UnpackTo(&info)) {
      std::cout << "reason " << info.reason() << '\n';
    } else if (detail.UnpackTo(&bad_request)) {
      for (const auto& violation : bad_request.field_violations()) std::cout << "field " << violation.field() << '\n';
    } else if (detail.UnpackTo(&conflict)) {
      std::cout << "resource " << conflict.resource() << '\n'
                << "expected " << conflict.expected_etag() << '\n'
                << "current " << conflict.current_etag() << '\n';
    }
  }
  return 1;
}

int Create(v1::DigitalTwinService::Stub& twins, const std::string& model, const std::string& id, double area) {
  v1::CreateOrReplaceDigitalTwinRequest request;
  request.set_digital_twin_id(id);
  request.set_if_none_match("*");
  request.mutable_digital_twin()->set_model_id(model);
  (*request.mutable_digital_twin()->mutable_properties())["area"].set_double_value(area);
  v1::CreateOrReplaceDigitalTwinResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  const grpc::Status status = twins.CreateOrReplaceDigitalTwin(&context, request, &response);
  if (!status.ok()) return Failed(status);
  std::cout << response.etag() << '\n';
  return 0;
}

int Area(v1::DigitalTwinService::Stub& twins, const std::string& id) {
  v1::GetDigitalTwinRequest request;
  request.set_digital_twin_id(id);
  v1::GetDigitalTwinResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  const grpc::Status status = twins.GetDigitalTwin(&context, request, &response);
  if (!status.ok()) return Failed(status);
  std::cout << response.digital_twin().properties().at("area").double_value() << '\n';
  return 0;
}

int Change(v1::DigitalTwinService::Stub& twins, const std::string& id, double area, const std::string& etag) {
  v1::UpdateDigitalTwinRequest request;
  request.set_digital_twin_id(id);
  request.set_if_match(etag);
  v1::JsonPatchOperation* operation = request.add_patch();
  operation->set_op(v1::JsonPatchOperation::OP_REPLACE);
  operation->set_path("/area");
  operation->mutable_value()->set_double_value(area);
  v1::UpdateDigitalTwinResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  const grpc::Status status = twins.UpdateDigitalTwin(&context, request, &response);
  if (!status.ok()) return Failed(status);
  std::cout << response.etag() << '\n';
  return 0;
}

int Query(v1::QueryService::Stub& queries, const std::string& query) {
  v1::StreamQueryTwinsRequest request;
  request.set_query(query);
  grpc::ClientContext context;
  SetDeadline(context);
  const auto stream = queries.StreamQueryTwins(&context, request);
  v1::StreamQueryTwinsResponse response;
  while (stream->Read(&response)) {
    for (const auto& row : response.rows()) std::cout << row.digital_twin().id() << ' ';
    std::cout << '\n';
  }
  const grpc::Status status = stream->Finish();
  return status.ok() ? 0 : Failed(status);
}

int Run(std::vector<std::string> words) {
  grpc::SslCredentialsOptions files;
  bool secure = false;
  const auto option = [&words](const std::string& name, std::string& contents) {
    if (words.size() < 2 || words[0] != name) return false;
    contents = Read(words[1]);
    words.erase(words.begin(), words.begin() + 2);
    return true;
  };
  while (option("--ca", files.pem_root_certs) || option("--cert", files.pem_cert_chain) ||
         option("--key", files.pem_private_key)) {
    secure = true;
  }
  const auto credentials = secure ? grpc::SslCredentials(files) : grpc::InsecureChannelCredentials();
  const auto channel = grpc::CreateChannel(words.at(0), credentials);
  const auto twins = v1::DigitalTwinService::NewStub(channel);
  const auto queries = v1::QueryService::NewStub(channel);
  const std::string& command = words.at(1);
  if (command == "create") return Create(*twins, words.at(2), words.at(3), std::stod(words.at(4)));
  if (command == "area") return Area(*twins, words.at(2));
  if (command == "change") return Change(*twins, words.at(2), std::stod(words.at(3)), words.at(4));
  if (command == "query") return Query(*queries, words.at(2));
  throw std::runtime_error("no such command: " + command);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run({argv + 1, argv + argc});
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 2;
  }
}
