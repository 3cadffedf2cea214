-- Reads four request headers, sets one request and one response header.
function envoy_on_request(handle)
  local headers = handle:headers()
  local found = 0
  for _, name in ipairs({":path", ":authority", "user-agent", "x-user-id"}) do
    if headers:get(name) then found = found + 1 end
  end
  if found > 0 then headers:replace("x-seen", "yes") end
end

function envoy_on_response(handle)
  handle:headers():replace("x-seen", "yes")
end
