//! The same through the real binary: an operator and an administrator add templates, an editor chooses one, a worker draws it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{HEAD, LOA, MANIFEST, TITLE_LINE};

/// A server with two agencies, and what is read from.
struct Office {
    dir: PathBuf,
    port: u16,
    server: Option<Child>,
}

impl Office {
    fn new(dir: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let agency = |name: &str| {
            format!(
                "[[agencies]]\nname = {name:?}\ntitle = \"Cổng\"\nbrand = \"demo\"\nzone = \"Asia/Ho_Chi_Minh\"\n"
            )
        };
        let data = dir.join("data").display().to_string();
        let settings = format!(
            "data = {data:?}\nallow_loopback = true\nfonts = []\n[web]\nlisten = \"127.0.0.1:{port}\"\n\
             public_url = \"http://127.0.0.1:{port}\"\n[pipeline]\nvariants = [\"infographic\"]\n{}{}",
            agency("thu"),
            agency("khac"),
        );
        fs::write(dir.join("loa.toml"), settings).unwrap();
        let office = Self { dir: dir.to_owned(), port, server: None };
        for (login, agency, roles) in [
            ("chi", "thu", "admin"),
            ("lan", "thu", "author,editor"),
            ("la", "khac", "admin,editor"),
        ] {
            let arguments = ["user", login, "--name", login, "--agency", agency, "--roles", roles];
            let mut child = office.command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(b"mot mat khau dai\n").unwrap();
            assert!(child.wait().unwrap().success());
        }
        office
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(LOA);
        command.arg("--config").arg(self.dir.join("loa.toml")).args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn serve(&mut self) {
        let mut command = self.command(&["all"]);
        self.server = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        until("the server is up", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    fn template(&self, name: &str, source: &str) -> String {
        let folder = self.dir.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("template.typ"), format!("{HEAD}{source}\n")).unwrap();
        fs::write(folder.join("template.toml"), MANIFEST).unwrap();
        folder.display().to_string()
    }

    /// Status, head and body of an answer.
    fn call(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    fn sign_in(&self, login: &str) -> String {
        let form = "content-type: application/x-www-form-urlencoded\r\n";
        let body = format!("login={login}&password=mot+mat+khau+dai");
        let (_, head, _) = self.call("POST", "/dang-nhap", form, &body);
        let cookie = head.lines().find_map(|line| line.split("loa=").nth(1)).unwrap();
        let who = format!("cookie: loa={}\r\n", cookie.split(';').next().unwrap());
        // The password of `loa user` was given to them: they choose another one first.
        let mine = "old=mot+mat+khau+dai&new=mot+mat+khau+cua+rieng+minh";
        assert_eq!(self.form(&who, "/toi/mat-khau", mine), 303);
        who
    }

    fn form(&self, who: &str, path: &str, body: &str) -> u16 {
        let kind = "content-type: application/x-www-form-urlencoded\r\n";
        self.call("POST", path, &format!("{who}{kind}"), body).0
    }

    fn json(&self, who: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let kind = "content-type: application/json\r\n";
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, _, body) = self.call(method, path, &format!("{who}{kind}"), &text);
        (status, serde_json::from_str(&body).unwrap_or_default())
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            server.kill().ok();
            server.wait().ok();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the test waits for another process, bounded")]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_mins(2), "{what}: not within two minutes");
        thread::sleep(Duration::from_millis(200));
    }
}

/// An address on this machine whose page is this article.
fn page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let words = "Người dân không phải trả lệ phí cấp lần đầu. Mỗi xã có một điểm tiếp nhận mở cửa cả thứ bảy. ";
    let html = format!(
        "<!doctype html><html lang=\"vi\"><head><meta charset=\"utf-8\"><title>Cấp thẻ căn cước lưu động</title></head>\
         <body><article><h1>Cấp thẻ căn cước lưu động tại 12 xã vùng cao</h1><p>{words}</p><p>{}</p></article></body></html>",
        words.repeat(3),
    );
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // Its head ends with an empty line; it has no body.
            let head = BufReader::new(&stream).lines().map_while(Result::ok);
            assert!(head.take_while(|line| !line.is_empty()).count() > 0);
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{html}",
                html.len()
            )
            .ok();
        }
    });
    format!("http://127.0.0.1:{port}/bai.html")
}

fn read(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout)
        .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&out.stderr)))
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect()
}

#[test]
fn an_agency_adds_its_template_an_editor_chooses_it_and_a_bad_one_costs_one_card() {
    let dir = tempfile::tempdir().unwrap();
    let mut office = Office::new(dir.path());
    // At the command line, before there is a server.
    let good = office.template("ban-tin", TITLE_LINE);
    let added = read(&office.run(&["templates", "add", &good, "--agency", "thu", "--json"]));
    assert_eq!(
        (&added["kept"], &added["template"]),
        (&json!(true), &json!("own/ban-tin")),
        "{added}"
    );
    let broken = office.template("hong", "#let x = (");
    let refused = office.run(&["templates", "add", &broken, "--agency", "thu", "--json"]);
    let said = read(&refused);
    assert!(!refused.status.success() && said["kept"] == false, "{said}");
    assert!(said["why"].as_str().unwrap().contains("own/hong/template.typ:3"), "{said}");

    office.serve();
    let list =
        |agency: &str| read(&office.run(&["templates", "list", "--agency", agency, "--json"]));
    let (ours, theirs) = (list("thu"), list("khac"));
    assert!(names(&ours).contains(&"own/ban-tin") && names(&ours).contains(&"tin-nhanh"));
    assert!(!names(&theirs).iter().any(|name| name.starts_with("own/")), "{theirs}");

    // Over the interface: one that looks harmless until a story has a number in its headline.
    let (admin, editor) = (office.sign_in("chi"), office.sign_in("lan"));
    let trap = format!(
        "{HEAD}#if data.title.contains(\"12\") {{ let s = \"x\"\n while s.len() > 0 {{ s += s }} }}\n{TITLE_LINE}"
    );
    let files = json!({ "template.typ": trap, "template.toml": MANIFEST });
    let body = json!({ "name": "bay", "files": files });
    assert_eq!(office.json(&editor, "POST", "/api/v1/templates", &body).0, 403);
    let (status, told) = office.json(&admin, "POST", "/api/v1/templates", &body);
    assert_eq!((status, &told["id"]), (201, &json!("own/bay")), "{told}");
    let (_, all) = office.json(&editor, "GET", "/api/v1/templates", &Value::Null);
    let listed = all["items"].as_array().unwrap().iter().find(|one| one["id"] == "own/bay");
    assert_eq!(listed.unwrap()["digest"], told["digest"]);
    let files = json!({ "template.typ": format!("{HEAD}#text(size: 9pt, data.title)"), "template.toml": MANIFEST });
    let (status, told) =
        office.json(&admin, "POST", "/api/v1/templates", &json!({ "name": "nho", "files": files }));
    assert_eq!(status, 422);
    assert!(told["errors"][0].as_str().unwrap().contains("at least 28"), "{told}");

    assert_eq!(office.form(&editor, "/bai-viet", &format!("source={}", page())), 303);
    let mut id = String::new();
    until("the article is read", || {
        let (_, told) = office.json(&editor, "GET", "/api/v1/articles", &Value::Null);
        id = told["items"][0]["id"].as_str().unwrap_or_default().to_owned();
        !id.is_empty()
    });
    let variants = |state: &str| {
        read(&office.run(&["status", "--json"]))["variants"][state].as_u64().unwrap_or(0)
    };
    until("the first card is drawn", || variants("rendered") == 1);
    let ask = json!({ "article": id, "choices": { "template": "own/ban-tin" } });
    let (status, told) = office.json(&editor, "POST", "/api/v1/preview", &ask);
    assert_eq!((status, &told["template"]), (200, &json!("own/ban-tin")), "{told}");
    let ask = json!({ "article": id, "choices": { "template": "own/bay" } });
    let (status, told) = office.json(&editor, "POST", "/api/v1/preview", &ask);
    assert!(status == 422 && told["detail"].as_str().unwrap().contains("nên bị dừng"), "{told}");

    let choose = format!("/bai-viet/{id}/chinh");
    let form = |name: &str| {
        let fields = [
            ("dang", "infographic".to_owned()),
            ("template", format!("own/{name}")),
            ("title", "Cấp thẻ căn cước lưu động tại 12 xã vùng cao".to_owned()),
            ("photo", "without".to_owned()),
        ];
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
    };
    assert_eq!(office.form(&editor, &choose, &form("bay")), 303);
    until("it failed", || variants("failed") == 1);
    let (_, _, shown) = office.call("GET", &format!("/bai-viet/{id}"), &editor, "");
    assert!(shown.contains("nên bị dừng"), "the page does not say why");

    assert_eq!(office.form(&editor, &choose, &form("ban-tin")), 303);
    until("the next is drawn", || variants("rendered") == 2);

    // Another agency can neither see, remove nor draw with it.
    let stranger = office.sign_in("la");
    assert_eq!(office.json(&stranger, "DELETE", "/api/v1/templates/ban-tin", &Value::Null).0, 404);
    let gone = office.run(&["templates", "remove", "ban-tin", "--agency", "khac"]);
    assert!(!gone.status.success());
    assert!(office.run(&["templates", "remove", "ban-tin", "--agency", "thu"]).status.success());
    assert_eq!(office.form(&editor, &choose, &form("ban-tin")), 422);
    let (status, told) = office.json(
        &editor,
        "POST",
        "/api/v1/preview",
        &json!({
            "article": id, "choices": { "template": "own/ban-tin" },
        }),
    );
    assert!(status == 422 && told["detail"].as_str().unwrap().contains("own/ban-tin"), "{told}");
    let verified = office.run(&["verify", "--json"]);
    assert!(verified.status.success(), "{}", read(&verified));
}
