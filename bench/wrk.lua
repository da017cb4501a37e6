-- Calls of get_login_info, so many at a time: wrk ... -- COUNT
local batch

function init(arguments)
  wrk.method = "POST"
  wrk.body = "{}"
  wrk.headers["Content-Type"] = "application/json"
  batch = string.rep(wrk.format(), tonumber(arguments[1] or "1"))
end

function request()
  return batch
end
