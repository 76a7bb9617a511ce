//! Measures httparse on the inputs of ../../parse and prints lines as `go test -bench` does. The argument is the least time
//! of one measurement, in milliseconds.

use std::hint::black_box;
use std::time::{Duration, Instant};

// The inputs of bench/parse/inputs_test.go; their lengths are checked below.
const REQUEST703: &str = concat!(
    "GET /wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\n",
    "Host: www.kittyhell.com\r\n",
    "User-Agent: Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; ja-JP-mac; rv:1.9.2.3) Gecko/20100401 Firefox/3.6.3 Pathtraq/0.9\r\n",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n",
    "Accept-Language: ja,en-us;q=0.7,en;q=0.3\r\n",
    "Accept-Encoding: gzip,deflate\r\n",
    "Accept-Charset: Shift_JIS,utf-8;q=0.7,*;q=0.7\r\n",
    "Keep-Alive: 115\r\n",
    "Connection: keep-alive\r\n",
    "Cookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=xxxxxxxxxx; __utma=xxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.x; __utmz=xxxxxxxxx.xxxxxxxxxx.x.x.utmccn=(referral)|utmcsr=reader.livedoor.com|utmcct=/reader/|utmcmd=referral\r\n",
    "\r\n"
);
const MINIMAL: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
const TFB: &str = concat!(
    "GET /plaintext HTTP/1.1\r\nHost: tfb-server\r\n",
    "Accept: text/plain,text/html;q=0.9,application/xhtml+xml;q=0.9,*/*;q=0.8,text/css,a/b;q=0.7\r\n",
    "Connection: keep-alive\r\nDNT: 1\r\n\r\n"
);

fn measure(name: &str, input: &str, length: usize, least: Duration) {
    assert_eq!(input.len(), length, "{}", name);
    let (mut times, mut taken) = (1000u64, Duration::ZERO);
    while taken < least {
        times *= 2;
        let start = Instant::now();
        for _ in 0..times {
            let mut fields = [httparse::EMPTY_HEADER; 64];
            let mut head = httparse::Request::new(&mut fields);
            let n = head.parse(black_box(input.as_bytes())).expect("valid").unwrap();
            assert_eq!(n, length);
            black_box(&head);
        }
        taken = start.elapsed();
    }
    println!("Benchmark{}/httparse {} {:.1} ns/op", name, times, taken.as_nanos() as f64 / times as f64);
}

fn main() {
    let ms = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(100);
    let least = Duration::from_millis(ms);
    measure("Request703", REQUEST703, 703, least);
    measure("RequestMinimal", MINIMAL, 40, least);
    measure("RequestTFB", TFB, 170, least);
}
