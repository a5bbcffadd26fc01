//! What the outside world can do to a request, played by raw TCP servers on loopback.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use loa_model::{Gate, GateClosed, seams::BoxFuture, seams::OpenGate};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use url::Url;

use crate::{
    Body, Client, Error, ErrorKind, Limits, Method, Part, Policy, Request, Sent, redact,
    redact_json, redacted_url, resolve::Resolve,
};

/// What a server does with one connection once it has read a whole request.
#[derive(Clone)]
enum Does {
    Answers(String),
    Closes,
    Hangs,
}

/// A server that plays its script one connection after the other; hands out what it read.
async fn server(script: Vec<Does>) -> (Url, mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let (seen, read) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut hanging = Vec::new();
        for does in script {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = read_request(&mut stream).await;
            seen.send(request).unwrap();
            match does {
                Does::Answers(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                Does::Closes => drop(stream),
                Does::Hangs => hanging.push(stream),
            }
        }
        // Later connections are refused, hanging ones stay open until the test ends.
        drop(listener);
        std::future::pending::<()>().await;
    });
    (base, read)
}

/// Everything up to the end of the body, or of the connection.
async fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0u8; 4096];
    loop {
        if all.first() == Some(&0x16) {
            return all; // A TLS client hello: it will not get its answer.
        }
        let text = String::from_utf8_lossy(&all).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return all;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return all,
            Ok(n) => all.extend_from_slice(&buffer[..n]),
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> Does {
    Does::Answers(format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    ))
}

fn trusted(base: &Url) -> Client {
    Client::trusted(base.clone(), quick()).unwrap()
}

fn guarded(allow_loopback: bool) -> Client {
    Client::guarded(quick(), Policy { allow_loopback, ..Policy::default() }).unwrap()
}

fn quick() -> Limits {
    Limits { connect: Duration::from_secs(2), total: Duration::from_secs(5), max_body: 1000 }
}

fn post(url: Url) -> Request {
    Request::new(Method::POST, url).effectful()
}

#[tokio::test]
async fn an_answer_comes_whole_and_the_request_goes_out_as_written() {
    let (base, mut seen) = server(vec![answer("429 Slow", "Retry-After: 7\r\n", "từ từ")]).await;
    let request = post(trusted(&base).join("/v1/đăng").unwrap())
        .query("fields", "id")
        .header("X-One", "1")
        .secret_header("Authorization", "Bearer s3cret")
        .body(Body::Form(vec![("message".to_owned(), "Chào ẫễộữặ".to_owned())]));
    let response = trusted(&base).send(request, Some(&OpenGate)).await.unwrap();
    assert_eq!((response.status, response.header("retry-after")), (429, Some("7")));
    assert_eq!(&response.body[..], "từ từ".as_bytes());
    let request = String::from_utf8(seen.recv().await.unwrap()).unwrap();
    assert!(request.starts_with("POST /v1/%C4%91%C4%83ng?fields=id HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer s3cret\r\n"), "{request}");
    assert!(request.ends_with("message=Ch%C3%A0o+%E1%BA%AB%E1%BB%85%E1%BB%99%E1%BB%AF%E1%BA%B7"));
}

#[tokio::test]
async fn a_body_of_nothing_says_its_length() {
    for (method, says) in
        [(Method::PUT, true), (Method::POST, true), (Method::GET, false), (Method::DELETE, false)]
    {
        let (base, mut seen) = server(vec![answer("200 OK", "", "")]).await;
        let request = Request::new(method.clone(), base.clone());
        trusted(&base).send(request, None).await.unwrap();
        let request = String::from_utf8(seen.recv().await.unwrap()).unwrap();
        let lengths: Vec<_> =
            request.lines().filter(|line| line.starts_with("content-length:")).collect();
        let wanted: &[&str] = if says { &["content-length: 0"] } else { &[] };
        assert_eq!(lengths, wanted, "{method}: {request}");
    }
}

#[tokio::test]
async fn nobody_listens_so_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let error = trusted(&base).send(post(base.clone()), Some(&OpenGate)).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Connect, Sent::No), "{error}");
}

#[tokio::test]
async fn no_tls_so_nothing_was_sent() {
    let (base, _seen) = server(vec![answer("200 OK", "", "plain")]).await;
    let base: Url = base.as_str().replace("http:", "https:").parse().unwrap();
    let error = trusted(&base).send(post(base.clone()), Some(&OpenGate)).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Tls, Sent::No), "{error}");
}

#[tokio::test]
async fn a_name_that_leads_nowhere_so_nothing_was_sent() {
    let base: Url = "http://platform.example/".parse().unwrap();
    let client = trusted(&base).with_resolver(Arc::new(Names::of(&[&[]])));
    let error = client.send(post(base), Some(&OpenGate)).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Dns, Sent::No), "{error}");
}

#[tokio::test]
async fn closed_after_reading_may_have_arrived_and_is_not_repeated() {
    let (base, mut seen) = server(vec![Does::Closes, answer("200 OK", "", "again")]).await;
    let error = trusted(&base).send(post(base.clone()), Some(&OpenGate)).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Broken, Sent::Maybe), "{error}");
    assert!(seen.recv().await.is_some());
    assert!(seen.try_recv().is_err(), "a second request went out");
}

#[tokio::test]
async fn no_answer_in_time_may_have_arrived() {
    let (base, mut seen) = server(vec![Does::Hangs]).await;
    let request = post(base.clone()).timeout(Duration::from_millis(200));
    let error = trusted(&base).send(request, Some(&OpenGate)).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Timeout, Sent::Maybe), "{error}");
    assert!(seen.recv().await.is_some());
}

#[tokio::test]
async fn a_body_cut_short_may_have_arrived_and_keeps_its_status() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"id\":".to_owned();
    let (base, _seen) = server(vec![Does::Answers(cut)]).await;
    let error = trusted(&base).send(post(base.clone()), Some(&OpenGate)).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Broken, Sent::Maybe), "{error}");
    assert_eq!(error.status, Some(200));
}

#[tokio::test]
async fn oversize_bodies_are_cut_off_declared_or_streamed() {
    let long = "x".repeat(1001);
    let streamed = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{long}");
    let (base, _seen) = server(vec![
        answer("200 OK", "", &long),
        Does::Answers(streamed),
        answer("200 OK", "", ""),
    ])
    .await;
    for _ in 0..2 {
        let error = trusted(&base).send(Request::get(base.clone()), None).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge, "{error}");
    }
    assert!(trusted(&base).send(Request::get(base.clone()), None).await.is_ok());
}

#[tokio::test]
async fn a_file_takes_a_good_answer_and_no_other() {
    let long = "ẫ".repeat(1000);
    let (base, _seen) = server(vec![
        answer("302 Found", "Location: /b\r\n", "moved"),
        answer("200 OK", "", &long),
        answer("200 OK", "", &long),
        Does::Answers(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{long}")),
        answer("404 Not Found", "", "nothing here"),
        answer("200 OK", "", &long),
        answer("200 OK", "", "short"),
    ])
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answer");
    let ask = |most| Request::get(base.clone()).at_most(most).into_file(&path);
    let client = guarded(true);
    let taken = client.send(ask(3000), None).await.unwrap();
    assert_eq!((taken.status, taken.body.len()), (200, 0));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), long);
    for told in ["declared", "streamed"] {
        let error = client.send(ask(2999), None).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge, "{told}: {error}");
    }
    std::fs::remove_file(&path).unwrap();
    let refused = client.send(ask(3000), None).await.unwrap();
    assert_eq!((refused.status, &refused.body[..]), (404, &b"nothing here"[..]));
    assert!(!path.exists(), "a refusal was taken for the file");
    let nowhere = ask(3000).into_file(folder.path());
    let error = client.send(nowhere, None).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::File, Some(200)), "{error}");
    // What was there before is not the end of what comes now.
    std::fs::write(&path, &long).unwrap();
    client.send(ask(3000), None).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "short");
}

struct Shut(AtomicUsize);

impl Gate for Shut {
    fn open(&self) -> Result<(), GateClosed> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(GateClosed("the lease is lost".to_owned()))
    }
}

#[tokio::test]
async fn a_shut_gate_lets_no_byte_out_and_is_asked_once_after_the_connection_stands() {
    let (base, mut seen) = server(vec![Does::Closes]).await;
    let shut = Shut(AtomicUsize::new(0));
    let error = trusted(&base).send(post(base.clone()), Some(&shut)).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Gate, Sent::No), "{error}");
    assert!(error.to_string().contains("the lease is lost"), "{error}");
    assert_eq!(shut.0.load(Ordering::SeqCst), 1);
    assert_eq!(seen.recv().await.unwrap(), b"", "bytes left through a shut gate");
    // Nobody listens any more: no connection, so the gate is not even asked.
    let nobody: Url = "http://127.0.0.1:1/".parse().unwrap();
    let error = trusted(&nobody).send(post(nobody.clone()), Some(&shut)).await.unwrap_err();
    assert_eq!((error.kind, shut.0.load(Ordering::SeqCst)), (ErrorKind::Connect, 1));
}

#[tokio::test]
async fn a_trusted_client_stays_at_its_origins_and_follows_nothing() {
    let (base, _seen) =
        server(vec![answer("302 Found", "Location: http://169.254.169.254/\r\n", "")]).await;
    let (other, mut other_seen) = server(vec![answer("200 OK", "", "")]).await;
    let client = trusted(&base);
    let response = client.send(Request::get(base.clone()), None).await.unwrap();
    assert_eq!(response.status, 302);
    let error = client.send(Request::get(other.clone()), None).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Forbidden, Sent::No), "{error}");
    assert!(other_seen.try_recv().is_err());
    let client = client.allowing([&other]);
    assert!(client.send(Request::get(other.clone()), None).await.is_ok());
}

#[tokio::test]
async fn a_guarded_client_refuses_every_spelling_of_a_private_address() {
    for bad in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://017700000001/",
        "http://0.0.0.0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[fd00:ec2::254]/",
        "http://8.8.8.8:22/",
        "http://user:pass@8.8.8.8/",
        "ftp://8.8.8.8/",
        "file:///etc/passwd",
    ] {
        let error =
            guarded(false).send(Request::get(bad.parse().unwrap()), None).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Forbidden, Sent::No), "{bad}: {error}");
        assert!(!error.to_string().contains("pass@"), "{error}");
    }
    let error =
        guarded(true).send(post("http://8.8.8.8/".parse().unwrap()), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Request, "a guarded client only reads");
}

#[tokio::test]
async fn redirects_to_private_addresses_are_refused() {
    for bad in [
        "http://169.254.169.254/",
        "http://[::ffff:10.0.0.1]/",
        "http://0.0.0.0/",
        "http://2852039166/",
        "http://192.168.1.1/",
        "//10.0.0.1/x",
        "ftp://127.0.0.1/",
    ] {
        let (base, _seen) =
            server(vec![answer("302 Found", &format!("Location: {bad}\r\n"), "")]).await;
        let error = guarded(true).send(Request::get(base), None).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Forbidden, "{bad}: {error}");
    }
    // Without leave, loopback is refused too, also as the target of a redirect.
    let (base, mut seen) = server(vec![answer("200 OK", "", "secret")]).await;
    let names = Names::of(&[&["127.0.0.1"]]);
    let client = guarded(false).with_resolver(Arc::new(names));
    let url = format!("http://news.example:{}/", base.port().unwrap()).parse().unwrap();
    let error = client.send(Request::get(url), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    assert!(seen.try_recv().is_err());
}

#[tokio::test]
async fn good_redirects_are_followed_and_secrets_stay_at_their_origin() {
    let (last, mut last_seen) = server(vec![answer("200 OK", "", "bài")]).await;
    let to_last = format!("Location: {last}bai?x=1\r\n");
    let (base, mut seen) = server(vec![
        answer("301 Moved", "Location: /b\r\n", ""),
        answer("307 Moved", &to_last, ""),
    ])
    .await;
    let request = Request::get(base).secret_header("Cookie", "s3cret");
    let response = guarded(true).send(request, None).await.unwrap();
    assert_eq!((&response.body[..], response.url.path()), ("bài".as_bytes(), "/bai"));
    for _ in 0..2 {
        let first = String::from_utf8(seen.recv().await.unwrap()).unwrap();
        assert!(first.contains("cookie: s3cret"), "{first}");
    }
    let second = String::from_utf8(last_seen.recv().await.unwrap()).unwrap();
    assert!(!second.contains("s3cret"), "{second}");
}

#[tokio::test]
async fn a_sixth_redirect_is_refused() {
    let (base, mut seen) = server(vec![answer("302 Found", "Location: /\r\n", ""); 7]).await;
    let error = guarded(true).send(Request::get(base), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Redirect, "{error}");
    let mut requests = 0;
    while seen.try_recv().is_ok() {
        requests += 1;
    }
    assert_eq!(requests, 6);
}

/// Answers differently each time it is asked; the last answer stays.
struct Names {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Names {
    fn of(answers: &[&[&str]]) -> Self {
        let parse = |ips: &&[&str]| ips.iter().map(|ip| ip.parse().unwrap()).collect();
        Self { answers: answers.iter().map(parse).collect(), asked: AtomicUsize::new(0) }
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        Box::pin(async move { Ok(self.answers[turn].clone()) })
    }
}

#[tokio::test]
async fn a_name_is_resolved_once_and_pinned() {
    // The first answer is the one checked; a rebinding resolver would send the connection to the second.
    let (base, mut seen) = server(vec![answer("200 OK", "", "pinned")]).await;
    let names = Arc::new(Names::of(&[&["127.0.0.1"], &["127.0.0.2"]]));
    let client = guarded(true).with_resolver(names.clone());
    let port = base.port().unwrap();
    let url: Url = format!("http://news.example:{port}/").parse().unwrap();
    let response = client.send(Request::get(url), None).await.unwrap();
    assert_eq!(&response.body[..], b"pinned");
    assert_eq!(names.asked.load(Ordering::SeqCst), 1, "resolved more than once");
    let request = String::from_utf8(seen.recv().await.unwrap()).unwrap();
    assert!(request.contains(&format!("host: news.example:{port}")), "{request}");
}

#[tokio::test]
async fn one_private_address_among_public_ones_is_enough_to_refuse() {
    let names = Arc::new(Names::of(&[&["8.8.8.8", "10.0.0.1"]]));
    let client = guarded(false).with_resolver(names);
    let error = client.send(Request::get("http://a.example/".parse().unwrap()), None).await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::Forbidden);
}

#[tokio::test]
async fn rebinding_between_redirects_is_refused() {
    let (base, mut seen) =
        server(vec![answer("302 Found", "Location: /b\r\n", ""), answer("200 OK", "", "no")]).await;
    let names = Arc::new(Names::of(&[&["127.0.0.1"], &["10.0.0.1"]]));
    let client = guarded(true).with_resolver(names);
    let url = format!("http://news.example:{}/", base.port().unwrap()).parse().unwrap();
    let error = client.send(Request::get(url), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    assert!(seen.recv().await.is_some());
    assert!(seen.try_recv().is_err());
}

#[tokio::test]
async fn nothing_shows_a_token() {
    const TOKEN: &str = "EAAB-s3cret+/=";
    let secret_in = |url: &Url| {
        post(url.clone())
            .query("access_token", TOKEN)
            .secret_header("Authorization", TOKEN)
            .body(Body::Json(json!({ "auth_token": TOKEN })))
    };
    let (base, _seen) = server(vec![Does::Closes, Does::Hangs]).await;
    let client = trusted(&base);
    let broken = client.send(secret_in(&base), Some(&OpenGate)).await.unwrap_err();
    let slow = secret_in(&base).timeout(Duration::from_millis(200));
    let slow = client.send(slow, Some(&OpenGate)).await.unwrap_err();
    let refused = client.send(secret_in(&base), Some(&OpenGate)).await.unwrap_err();
    let elsewhere: Url = "http://other.example/".parse().unwrap();
    let forbidden = client.send(secret_in(&elsewhere), Some(&OpenGate)).await.unwrap_err();
    let errors: [Error; 4] = [broken, slow, refused, forbidden];
    let kinds = errors.clone().map(|error| error.kind);
    assert_eq!(
        kinds,
        [ErrorKind::Broken, ErrorKind::Timeout, ErrorKind::Connect, ErrorKind::Forbidden]
    );
    for shown in errors.iter().map(|error| format!("{error} {error:?}")) {
        assert!(!shown.contains("s3cret") && shown.contains("REDACTED"), "{shown}");
    }
    let shown = format!("{:?} {:?}", secret_in(&base), secret_in(&base).body);
    assert!(!shown.contains("s3cret"), "{shown}");
    let encoded = format!("q={}", redacted_url(&secret_in(&base).url));
    assert!(!encoded.contains("s3cret"), "{encoded}");
    assert_eq!(
        redact(&format!("a {TOKEN} b EAAB-s3cret%2B%2F%3D"), [TOKEN]),
        "a REDACTED b REDACTED"
    );
    assert_eq!(redact_json(json!([{ "k": TOKEN }, 1]), &[TOKEN]), json!([{ "k": "REDACTED" }, 1]));
}

#[test]
fn multipart_is_the_same_each_time_and_cannot_be_broken_out_of() {
    let parts = || {
        Body::Multipart(vec![
            Part::text("caption", "Lễ hội \"ẫễộ\"\r\n--x"),
            Part::file("source", "a\"\r\nX: y.jpg", "image/jpeg", vec![0xff, 0xd8, 0, 1].into()),
        ])
    };
    let (bytes, mime) = parts().encode();
    assert_eq!(parts().encode(), (bytes.clone(), mime.clone()));
    let mime = mime.unwrap();
    let boundary = mime.strip_prefix("multipart/form-data; boundary=").unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert_eq!(text.matches(boundary).count(), 3, "{text}");
    assert!(text.contains("filename=\"a%22%0D%0AX: y.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n"));
    assert!(bytes.windows(4).any(|window| window == [0xff, 0xd8, 0, 1]));
}

#[test]
fn a_base_joins_its_paths() {
    for (base, path, joined) in [
        ("http://a.example/v1/", "x?y=1", "http://a.example/v1/x?y=1"),
        ("http://a.example/v1", "/x", "http://a.example/v1/x"),
        ("http://a.example", "x", "http://a.example/x"),
    ] {
        let client = Client::trusted(base.parse().unwrap(), Limits::default()).unwrap();
        assert_eq!(client.join(path).unwrap().as_str(), joined);
    }
    assert!(Client::trusted("ftp://a.example".parse().unwrap(), Limits::default()).is_err());
}
