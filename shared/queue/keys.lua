-- The names of all keys, the clock and the arguments; the other files are appended to this one and share its locals.
-- ARGV: operation, config as JSON, arguments as JSON. One node, so keys may be computed.

local config = cjson.decode(ARGV[2])
local args = cjson.decode(ARGV[3])

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000) -- ms; one clock for all workers

local prefix = config.prefix
local EVENTS = prefix .. 'events' -- stream of snapshots
local LINES = prefix .. 'lines' -- list of lines with someone waiting, the next to be served first
local RUNNING = prefix .. 'running' -- set of jobs
local QUEUED = prefix .. 'queued' -- zset of step ids handed to arq; score: since when picked up but not begun, 0 if not
local LEASES = prefix .. 'leases' -- zset of step ids a worker holds; score: when the lease ends
local WORKERS = prefix .. 'workers' -- zset of worker names; score: when to count them as dead
local PAUSED, DRAINING = prefix .. 'paused', prefix .. 'draining'
local PACE = prefix .. 'pace' -- hash: stage -> seconds it usually takes

local function job_key(job) return prefix .. 'job:' .. job end -- hash: request, status, progress, outcome
local function steps_key(job) return prefix .. 'steps:' .. job end -- hash: <step>.state, .attempt, .holder, ...
local function segments_key(job) return prefix .. 'segments:' .. job end -- hash: index -> AssetRef
local function seconds_key(job) return prefix .. 'seconds:' .. job end -- hash: stage -> worker seconds
local function line_key(line) return prefix .. 'line:' .. line end -- list of waiting jobs

local function hash(key)
  local flat, fields = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return fields
end
