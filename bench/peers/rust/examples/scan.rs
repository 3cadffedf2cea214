//! Visits all request headers; a value "stop" is answered with 403.
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

proxy_wasm::main! {{
    proxy_wasm::set_http_context(|_, _| Box::new(Scan));
}}

struct Scan;

impl Context for Scan {}

impl HttpContext for Scan {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let headers = self.get_http_request_headers_bytes();
        if headers.iter().any(|(_, value)| value == b"stop") {
            self.send_http_response(403, vec![], None);
            return Action::Pause;
        }
        Action::Continue
    }
}
