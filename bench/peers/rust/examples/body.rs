//! Buffers the response body, changes its first "#" to "*" and puts it back whole.
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

proxy_wasm::main! {{
    proxy_wasm::set_http_context(|_, _| Box::new(Body));
}}

struct Body;

impl Context for Body {}

impl HttpContext for Body {
    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if !end_of_stream {
            return Action::Pause;
        }
        if let Some(mut body) = self.get_http_response_body(0, size) {
            if let Some(at) = body.iter().position(|&byte| byte == b'#') {
                body[at] = b'*';
                self.set_http_response_body(0, size, &body);
            }
        }
        Action::Continue
    }
}
