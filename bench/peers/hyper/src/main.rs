//! Serves the benchmark's pages with hyper on one thread: -addr host:port -cpu n. Other flags of the Go peers are ignored.

use std::convert::Infallible;
use std::net::SocketAddr;

use hyper::body::HttpBody;
use hyper::header::{HeaderValue, CONTENT_TYPE, SERVER};
use hyper::server::conn::Http;
use hyper::service::service_fn;
use hyper::{Body, Request, Response, StatusCode};

static DOWNLOAD: [u8; 1 << 20] = [b'x'; 1 << 20];

fn page(kind: &'static str, body: &'static [u8]) -> Response<Body> {
    let mut r = Response::new(Body::from(body));
    r.headers_mut().insert(SERVER, HeaderValue::from_static("bench"));
    r.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    r
}

async fn serve(mut req: Request<Body>) -> Result<Response<Body>, Infallible> {
    let hello: &'static [u8] = b"Hello, World!";
    Ok(match req.uri().path() {
        "/plaintext" => page("text/plain", hello),
        "/1mb" => page("application/octet-stream", &DOWNLOAD),
        "/upload" => {
            while let Some(piece) = req.body_mut().data().await {
                if piece.is_err() {
                    break;
                }
            }
            page("text/plain", hello)
        }
        _ => {
            let mut r = Response::new(Body::empty());
            *r.status_mut() = StatusCode::NOT_FOUND;
            r
        }
    })
}

/// Binds the process to one CPU.
fn pin(cpu: usize) {
    // Safety: the set is plain memory, and the call only reads it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        if libc::sched_setaffinity(0, std::mem::size_of_val(&set), &set) != 0 {
            eprintln!("sched_setaffinity: {}", std::io::Error::last_os_error());
            std::process::exit(1);
        }
    }
}

fn main() {
    let mut addr: SocketAddr = ([127, 0, 0, 1], 8080).into();
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let value = args.next().unwrap_or_default();
        match flag.as_str() {
            "-addr" => addr = value.parse().expect("-addr host:port"),
            "-cpu" => {
                let cpu: i64 = value.parse().expect("-cpu number");
                if cpu >= 0 {
                    pin(cpu as usize);
                }
            }
            _ => {}
        }
    }
    let rt = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("runtime");
    rt.block_on(async move {
        let listener = tokio::net::TcpListener::bind(addr).await.expect("bind");
        loop {
            let (stream, _) = match listener.accept().await {
                Ok(s) => s,
                Err(_) => continue,
            };
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let _ = Http::new().http1_only(true).pipeline_flush(true).serve_connection(stream, service_fn(serve)).await;
            });
        }
    });
}
