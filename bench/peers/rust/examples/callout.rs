//! Holds the request until a callout answers; any answer but 200 is passed on as 403.
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::time::Duration;

proxy_wasm::main! {{
    proxy_wasm::set_http_context(|_, _| Box::new(Callout));
}}

struct Callout;

impl Context for Callout {
    fn on_http_call_response(&mut self, _: u32, _: usize, _: usize, _: usize) {
        let status = self.get_http_call_response_header_bytes(":status");
        if status.as_deref() == Some(b"200".as_slice()) {
            self.resume_http_request();
        } else {
            self.send_http_response(403, vec![], None);
        }
    }
}

impl HttpContext for Callout {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let headers = vec![
            (":method", "GET"),
            (":path", "/check"),
            (":authority", "callout"),
        ];
        match self.dispatch_http_call("callout", headers, None, vec![], Duration::from_secs(5)) {
            Ok(_) => Action::Pause,
            Err(_) => Action::Continue,
        }
    }
}
