//! Several servers before one upstream, and what they say of their health.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use prost::Message as _;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus};
use twinfront::{
    Client,
    tonic::{Code, Status},
    v1::GetDigitalTwinRequest,
};

use crate::serving::{Answer, End, OK, listen};

/// Which servers were called, one after the other.
type Called = Arc<Mutex<Vec<usize>>>;

/// Says how a server is, and goes on watching.
fn says(status: ServingStatus) -> Answer {
    (vec![HealthCheckResponse { status: status.into() }.encode_to_vec()], End::Open)
}

/// A client of two servers, by what each answers when its health is asked for: the first time, the second, and so on.
async fn client_of(health: [Vec<Answer>; 2]) -> (Client, Called) {
    let called = Called::default();
    let mut addresses = Vec::new();
    for (number, answers) in health.into_iter().enumerate() {
        let (called, mut answers) = (called.clone(), answers.into_iter());
        let answer = move |method: &str, request| {
            if method != "Watch" {
                called.lock().unwrap().push(number);
                return (vec![Vec::new()], OK());
            }
            assert_eq!(HealthCheckRequest::decode(request).unwrap().service, "twinfront.server");
            answers.next().unwrap_or_else(|| says(ServingStatus::Serving))
        };
        addresses.push(listen(answer).await);
    }
    (Client::new(format!("ipv4:{}", addresses.join(","))).unwrap(), called)
}

/// Reads until the latest calls went to servers in a way, for 20 seconds at the most.
async fn read_until(client: &Client, called: &Called, is_so: impl Fn(&[usize]) -> bool) {
    let reading = async {
        loop {
            client.digital_twins().get_digital_twin(GetDigitalTwinRequest::default()).await.unwrap();
            let called = called.lock().unwrap().clone();
            if called.len() >= 10 && is_so(&called[called.len() - 10..]) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("calls never go that way");
}

fn all_to_second(latest: &[usize]) -> bool {
    latest.iter().all(|&number| number == 1)
}

fn in_turns(latest: &[usize]) -> bool {
    latest.windows(2).all(|two| two[0] != two[1])
}

#[tokio::test]
async fn calls_go_to_healthy_servers_in_turns() {
    let (client, called) = client_of([vec![], vec![]]).await;
    read_until(&client, &called, in_turns).await;
}

#[tokio::test]
async fn a_server_that_does_not_serve_is_left_out() {
    let (client, called) = client_of([vec![says(ServingStatus::NotServing)], vec![]]).await;
    read_until(&client, &called, all_to_second).await;
}

#[tokio::test]
async fn a_server_that_knows_no_such_name_is_left_out() {
    let (client, called) = client_of([vec![says(ServingStatus::ServiceUnknown)], vec![]]).await;
    read_until(&client, &called, all_to_second).await;
}

#[tokio::test]
async fn a_server_that_came_back_is_called_again() {
    let (not_serving, _) = says(ServingStatus::NotServing);
    let stops = (not_serving, End::Broken);
    let (client, called) = client_of([vec![stops], vec![]]).await;
    read_until(&client, &called, all_to_second).await;
    read_until(&client, &called, in_turns).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_serves() {
    let unknown = (Vec::new(), End::Status(Status::new(Code::Unimplemented, "")));
    let (client, called) = client_of([vec![unknown.clone()], vec![unknown]]).await;
    read_until(&client, &called, in_turns).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    read_until(&client, &called, in_turns).await;
}

#[tokio::test]
async fn where_no_server_serves_all_are_called() {
    let (client, called) =
        client_of([vec![says(ServingStatus::NotServing)], vec![says(ServingStatus::NotServing)]]).await;
    read_until(&client, &called, in_turns).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    read_until(&client, &called, in_turns).await;
}

#[tokio::test]
async fn a_server_that_is_gone_is_left_out() {
    let called = Called::default();
    let noting = called.clone();
    let here = listen(move |method, _| {
        if method == "Watch" {
            return says(ServingStatus::Serving);
        }
        noting.lock().unwrap().push(1);
        (vec![Vec::new()], OK())
    })
    .await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::builder(format!("ipv4:{gone},{here}")).without_retry().build().unwrap();
    let mut in_a_row = 0;
    while in_a_row < 10 {
        let read = client.digital_twins().get_digital_twin(GetDigitalTwinRequest::default()).await;
        in_a_row = if read.is_ok() { in_a_row + 1 } else { 0 };
        assert!(called.lock().unwrap().len() < 100);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
