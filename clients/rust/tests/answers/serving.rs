//! A server that answers as a test says: with any status, trailers and messages, or by breaking the connection.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use h2::{RecvStream, server::SendResponse};
use http::{HeaderMap, HeaderValue, Request, Response};
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use twinfront::{
    Client, ClientBuilder,
    tonic::{Code, Status},
    tonic_types::{ErrorDetails, StatusExt as _},
    v1,
};

/// How an answer ends after its messages.
#[derive(Debug, Clone)]
pub(super) enum End {
    Status(Status),
    /// The connection is closed.
    Broken,
    /// It does not end.
    Open,
}

pub(super) const OK: fn() -> End = || End::Status(Status::new(Code::Ok, ""));
pub(super) const UNAVAILABLE: fn() -> End = || End::Status(Status::unavailable("The server is about to stop."));

/// Says no, with a reason.
pub(super) fn refused(code: Code, reason: &str) -> End {
    End::Status(Status::with_error_details(code, "No.", ErrorDetails::with_error_info(reason, "twinfront", [])))
}

/// An answer: encoded messages, and how it ends.
pub(super) type Answer = (Vec<Vec<u8>>, End);

type Handler = Arc<Mutex<dyn FnMut(&str, Bytes) -> Answer + Send>>;

/// A client of a server that answers each call, which is given by its method and its requests, merged into one.
pub(super) async fn serve(answer: impl FnMut(&str, Bytes) -> Answer + Send + 'static) -> Client {
    serve_to(answer, |builder| builder).await
}

/// Gives a client with options of its own.
pub(super) async fn serve_to(
    answer: impl FnMut(&str, Bytes) -> Answer + Send + 'static,
    options: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Client {
    options(Client::builder(listen(answer).await)).build().unwrap()
}

/// Gives the address of a server.
pub(super) async fn listen(answer: impl FnMut(&str, Bytes) -> Answer + Send + 'static) -> String {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let handler: Handler = Arc::new(Mutex::new(answer));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(connection(socket, handler.clone()));
        }
    });
    address
}

async fn connection(socket: TcpStream, handler: Handler) {
    let mut connection = h2::server::handshake(socket).await.unwrap();
    let (breaks, mut broken) = tokio::sync::mpsc::channel::<()>(1);
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => tokio::spawn(call(request, respond, handler.clone(), breaks.clone())),
                _ => return,
            },
            _ = broken.recv() => return,
        };
    }
}

async fn call(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    handler: Handler,
    breaks: tokio::sync::mpsc::Sender<()>,
) {
    let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
    let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
    let mut stream = respond.send_response(head, false).unwrap();
    let mut body = request.into_body();
    let mut sent = BytesMut::new();
    while let Some(Ok(data)) = body.data().await {
        sent.extend_from_slice(&data);
    }
    let (messages, end) = (handler.lock().unwrap())(&method, merged(sent));
    for message in messages {
        let mut framed = BytesMut::new();
        framed.put_u8(0);
        framed.put_u32(message.len().try_into().unwrap());
        framed.extend_from_slice(&message);
        stream.send_data(framed.freeze(), false).unwrap();
    }
    match end {
        End::Status(status) => {
            let mut trailers = HeaderMap::new();
            status.add_header(&mut trailers).unwrap();
            trailers.entry("grpc-status").or_insert(HeaderValue::from_static("0"));
            stream.send_trailers(trailers).unwrap();
        }
        End::Broken => {
            // Everything that was sent before is on its way by then.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let _ = breaks.send(()).await;
            // Dropping the stream would reset it.
            std::future::pending::<()>().await;
        }
        End::Open => std::future::pending::<()>().await,
    }
}

/// All whole messages one after the other, which is how one of all their fields is written.
fn merged(mut sent: BytesMut) -> Bytes {
    let mut merged = BytesMut::new();
    while let Some(&[_, a, b, c, d]) = sent.first_chunk() {
        sent.advance(5);
        let length = sent.len().min(u32::from_be_bytes([a, b, c, d]) as usize);
        merged.unsplit(sent.split_to(length));
    }
    merged.freeze()
}

/// A message of a query's stream, whose rows have numbers.
pub(super) fn rows(numbers: impl IntoIterator<Item = i64>, resume_token: &str) -> Vec<u8> {
    let row = |number: i64| v1::QueryRow { fields: [("n".to_owned(), number.into())].into(), ..Default::default() };
    let rows = numbers.into_iter().map(row).collect();
    v1::StreamQueryTwinsResponse { rows, resume_token: resume_token.into(), ..Default::default() }.encode_to_vec()
}
