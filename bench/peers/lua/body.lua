-- Buffers the response body, changes its first "#" to "*" and puts it back whole.
function envoy_on_response(handle)
  local body = handle:body()
  local changed, count = body:getBytes(0, body:length()):gsub("#", "*", 1)
  if count > 0 then body:setBytes(changed) end
end
