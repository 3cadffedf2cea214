-- Holds the request until a callout answers; any answer but 200 is passed on as 403.
local check = {[":method"] = "GET", [":path"] = "/check", [":authority"] = "callout"}

function envoy_on_request(handle)
  local headers = handle:httpCall("callout", check, nil, 5000)
  if headers[":status"] ~= "200" then handle:respond({[":status"] = "403"}, "") end
end
