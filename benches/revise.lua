-- Revises questions through the API: each request needs the revision that the last answer gave.
-- The file QUESTIONS has a line for each: its path, its id and its revision.

local threads = {}
local count = 0

function setup(thread)
  thread:set("number", count)
  table.insert(threads, thread)
  count = count + 1
end

function init()
  free, first, last, refused, made = {}, 1, 0, 0, 0
  local all = tonumber(os.getenv("WRK_THREADS"))
  local at = 0
  for line in io.lines(os.getenv("QUESTIONS")) do
    if at % all == number then
      local path, id, revision = line:match("(%S+) (%S+) (%S+)")
      paths = paths or {}
      paths[id] = path
      last = last + 1
      free[last] = { id, revision }
    end
    at = at + 1
  end
  run = os.getenv("RUN") .. "-" .. number .. "-"
  headers = { ["Authorization"] = "Bearer " .. os.getenv("TOKEN"), ["Content-Type"] = "application/json" }
  before = '{"reason_kind":"wording","reason":"Measured.","text":{'
    .. '"id":"Contoh beban: langkah apa yang paling cepat mengurangi dampak guncangan bagi warga, dan siapa yang harus memulainya? Susunan '
  between = '","en":"Load example: which step lessens the effect of shocks on residents soonest, and who has to begin it? Wording '
end

-- The question that was revised longest ago, so that none is revised twice at once.
function request()
  local question = free[first]
  free[first] = nil
  first = first + 1
  made = made + 1
  headers["If-Match"] = '"' .. question[2] .. '.x"'
  headers["Idempotency-Key"] = run .. made
  return wrk.format("POST", paths[question[1]], headers, before .. made .. between .. made .. '"}}')
end

function response(status, _, body)
  if status ~= 201 then
    refused = refused + 1
    return
  end
  local id, revision = body:match('^{"id":"([^"]+)","revision":(%d+)')
  last = last + 1
  free[last] = { id, revision }
end

function done()
  local all = 0
  for _, thread in ipairs(threads) do
    all = all + thread:get("refused")
  end
  io.write("Refused: " .. all .. "\n")
end
