//! Reads four request headers, sets one request and one response header.
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

proxy_wasm::main! {{
    proxy_wasm::set_http_context(|_, _| Box::new(Headers));
}}

const READ: [&str; 4] = [":path", ":authority", "user-agent", "x-user-id"];

struct Headers;

impl Context for Headers {}

impl HttpContext for Headers {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let found = READ
            .iter()
            .filter(|name| self.get_http_request_header_bytes(name).is_some())
            .count();
        if found > 0 {
            self.set_http_request_header("x-seen", Some("yes"));
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_response_header("x-seen", Some("yes"));
        Action::Continue
    }
}
