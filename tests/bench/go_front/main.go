// A front in Go that does the least: each call becomes a request to Azure Digital Twins, and JSON passes untouched. It has
// no metrics, no log, no deadlines of its own, no bounds, and knows no callers: it shows what gRPC and HTTPS cost in Go.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

const (
	apiVersion = "?api-version=2023-10-31"
	idle       = 256 // connections to the upstream that stay open
)

func main() {
	base := flag.String("upstream", "", "URL of the upstream")
	ca := flag.String("ca", "", "file with its authority")
	flag.Parse()
	pem, err := os.ReadFile(*ca)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: idle}
	upstream := &upstream{base: *base, client: &http.Client{Transport: transport}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	twinfrontv1.RegisterDigitalTwinServiceServer(server, &digitalTwins{upstream: upstream})
	twinfrontv1.RegisterQueryServiceServer(server, &queries{upstream: upstream})
	watched := health.NewServer()
	watched.SetServingStatus("twinfront.server", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, watched)
	fmt.Println(listener.Addr())
	log.Fatal(server.Serve(listener))
}

type upstream struct {
	base   string
	client *http.Client
}

// send gives the body of an answer, and its etag.
func (u *upstream) send(ctx context.Context, method, path string, body []byte, header http.Header) ([]byte, string, error) {
	request, err := http.NewRequestWithContext(ctx, method, u.base+path+apiVersion, bytes.NewReader(body))
	if err != nil {
		return nil, "", status.Error(codes.InvalidArgument, err.Error())
	}
	request.Header = header
	header.Set("Authorization", "Bearer token")
	header.Set("Content-Type", "application/json")
	answer, err := u.client.Do(request)
	if err != nil {
		return nil, "", status.Error(codes.Unavailable, err.Error())
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, "", status.Error(codes.Unavailable, err.Error())
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return nil, "", status.Error(codes.FailedPrecondition, string(content))
	}
	return content, answer.Header.Get("ETag"), nil
}

type digitalTwins struct {
	twinfrontv1.UnimplementedDigitalTwinServiceServer
	upstream *upstream
}

func (s *digitalTwins) GetDigitalTwin(
	ctx context.Context, request *twinfrontv1.GetDigitalTwinRequest,
) (*twinfrontv1.GetDigitalTwinResponse, error) {
	path := "/digitaltwins/" + url.PathEscape(request.DigitalTwinId)
	content, etag, err := s.upstream.send(ctx, http.MethodGet, path, nil, http.Header{})
	if err != nil {
		return nil, err
	}
	twin := &twinfrontv1.DigitalTwin{Id: request.DigitalTwinId, Etag: etag, Json: content}
	return &twinfrontv1.GetDigitalTwinResponse{DigitalTwin: twin, Etag: etag}, nil
}

func (s *digitalTwins) CreateOrReplaceDigitalTwin(
	ctx context.Context, request *twinfrontv1.CreateOrReplaceDigitalTwinRequest,
) (*twinfrontv1.CreateOrReplaceDigitalTwinResponse, error) {
	path := "/digitaltwins/" + url.PathEscape(request.DigitalTwinId)
	content, etag, err := s.upstream.send(ctx, http.MethodPut, path, request.DigitalTwin.GetJson(), http.Header{})
	if err != nil {
		return nil, err
	}
	twin := &twinfrontv1.DigitalTwin{Id: request.DigitalTwinId, Etag: etag, Json: content}
	return &twinfrontv1.CreateOrReplaceDigitalTwinResponse{DigitalTwin: twin, Etag: etag}, nil
}

var patchOperations = map[twinfrontv1.JsonPatchOperation_Op]string{
	twinfrontv1.JsonPatchOperation_OP_ADD:     "add",
	twinfrontv1.JsonPatchOperation_OP_REPLACE: "replace",
	twinfrontv1.JsonPatchOperation_OP_REMOVE:  "remove",
}

type patchOperation struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value,omitempty"`
}

// UpdateDigitalTwin knows patches whose values are JSON.
func (s *digitalTwins) UpdateDigitalTwin(
	ctx context.Context, request *twinfrontv1.UpdateDigitalTwinRequest,
) (*twinfrontv1.UpdateDigitalTwinResponse, error) {
	patch := make([]patchOperation, len(request.Patch))
	for i, operation := range request.Patch {
		patch[i] = patchOperation{patchOperations[operation.Op], operation.Path, operation.ValueJson}
	}
	body, err := json.Marshal(patch)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	path := "/digitaltwins/" + url.PathEscape(request.DigitalTwinId)
	_, etag, err := s.upstream.send(ctx, http.MethodPatch, path, body, http.Header{})
	if err != nil {
		return nil, err
	}
	return &twinfrontv1.UpdateDigitalTwinResponse{Etag: etag}, nil
}

type queries struct {
	twinfrontv1.UnimplementedQueryServiceServer
	upstream *upstream
}

func (s *queries) QueryTwins(
	ctx context.Context, request *twinfrontv1.QueryTwinsRequest,
) (*twinfrontv1.QueryTwinsResponse, error) {
	asked := map[string]string{"query": request.Query}
	if request.PageToken != "" {
		asked["continuationToken"] = request.PageToken
	}
	body, err := json.Marshal(asked)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	header := http.Header{}
	if request.PageSize > 0 {
		header.Set("max-items-per-page", strconv.Itoa(int(request.PageSize)))
	}
	content, _, err := s.upstream.send(ctx, http.MethodPost, "/query", body, header)
	if err != nil {
		return nil, err
	}
	var page struct {
		Value             []json.RawMessage `json:"value"`
		ContinuationToken string            `json:"continuationToken"`
	}
	if err := json.Unmarshal(content, &page); err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	response := &twinfrontv1.QueryTwinsResponse{NextPageToken: page.ContinuationToken}
	for _, row := range page.Value {
		response.Rows = append(response.Rows, &twinfrontv1.QueryRow{Json: row})
	}
	return response, nil
}
