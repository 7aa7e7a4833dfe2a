use std::{
    net::TcpListener,
    thread::{self, JoinHandle},
};

use super::*;

const WITHIN: Duration = Duration::from_secs(5);

/// A server that takes one connection after the other and gives each the answers of one list, one a request.
fn server(connections: Vec<Vec<&'static str>>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let mut heard = Vec::new();
        for answers in connections {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in answers {
                let mut bytes = vec![0; 4096];
                let read = stream.read(&mut bytes).unwrap();
                heard.push(String::from_utf8(bytes[..read].to_vec()).unwrap());
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
        heard
    });
    (url, thread)
}

fn client(url: &str) -> KeptClient {
    KeptClient::new(Destination::new(url, &[], WITHIN).unwrap())
}

#[test]
fn calls_follow_each_other_on_one_connection() {
    let answers = vec![
        "HTTP/1.1 200 OK\r\nContent-Type: Application/JSON; charset=utf-8\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n",
    ];
    let (url, server) = server(vec![answers]);
    let client = client(&url);
    client.connect();
    let first = client.send(Request::post(format!("{url}/a?b=c"), "application/json", "{\"x\":1}").bearer("secret")).unwrap();
    assert_eq!((first.status, first.content_type.as_str(), &*first.body), (200, "application/json", &b"{}"[..]));
    let second = client.send(Request::get(url.clone())).unwrap();
    assert_eq!((second.status, &*second.body), (404, &b"abcde"[..]));
    let heard = server.join().unwrap();
    let authority = url.trim_start_matches("http://");
    let expected = format!(
        "POST /a?b=c HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\nauthorization: Bearer secret\r\n\
         content-length: 7\r\n\r\n{{\"x\":1}}"
    );
    assert_eq!(heard, [expected, format!("GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n")]);
}

#[test]
fn a_connection_that_the_server_ends_is_opened_anew() {
    let last = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let (url, server) = server(vec![vec![last], vec![last]]);
    let client = client(&url);
    for _ in 0..2 {
        assert_eq!(client.send(Request::get(format!("{url}/"))).unwrap().status, 200);
    }
    assert_eq!(server.join().unwrap().len(), 2);
}

#[test]
fn failures_are_told_in_few_words() {
    let closed = |answer| {
        let (url, server) = server(vec![vec![answer]]);
        let failure = client(&url).send(Request::get(format!("{url}/"))).unwrap_err();
        server.join().unwrap();
        failure
    };
    let told = |why: &str| FetchError::NoAnswer(why.to_owned());
    assert_eq!(closed("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"), told("connection closed"));
    assert_eq!(closed("SMTP ready\r\n\r\n"), told("not an answer in HTTP"));
    assert_eq!(closed("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"), FetchError::TooLarge);
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    assert_eq!(client(&nobody).send(Request::get(nobody.clone())).unwrap_err(), told("connection refused"));
}

#[test]
fn only_requests_to_its_own_service_are_sent() {
    let client = client("http://127.0.0.1:9");
    for url in [
        "http://127.0.0.1:90/",
        "http://127.0.0.1:9x",
        "https://127.0.0.1:9/",
        "http://127.0.0.1:9/a b",
        "http://127.0.0.1:9/\r\nx:y",
    ] {
        assert_eq!(client.send(Request::get(url)).unwrap_err(), FetchError::BadRequest, "{url}");
    }
    assert!(matches!(Destination::new("ftp://a.example", &[], WITHIN), Err(NotAService::Address)));
    assert!(Destination::new("https://id.example", &[], WITHIN).is_ok());
}
