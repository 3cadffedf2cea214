-- Visits all request headers; a value "stop" is answered with 403.
function envoy_on_request(handle)
  for _, value in pairs(handle:headers()) do
    if value == "stop" then
      handle:respond({[":status"] = "403"}, "")
      return
    end
  end
end
