-- What is told about a job: a snapshot of its state, appended to the stream in the same step as the change.

local STAGES = { 'separate', 'perform', 'rig', 'animate', 'finish' }
local FIRST_GUESS = { separate = 2, perform = 1, rig = 1, animate = 5, finish = 1 } -- shares, until one job is done
local SMOOTHING = 0.3 -- weight of the newest job: about the last five count
local TRUST_OWN_PACE = 4 -- from a quarter of the way on, a job's own pace is believed alone
local KNOWN_FROM = 0.05 -- below this share of the way its own pace says nothing
local FULL = 100 -- `total` of every stage
local TELL_EVERY = 300 -- ms between two events that differ only in progress

-- Seconds of each stage, their sum, and whether they were learned from finished jobs.
local function pace()
  local learned = hash(PACE)
  local seconds, sum = {}, 0
  for _, stage in ipairs(STAGES) do
    seconds[stage] = learned.animate and tonumber(learned[stage] or 0) or FIRST_GUESS[stage]
    sum = sum + seconds[stage]
  end
  return seconds, sum, learned.animate ~= nil
end

local function learn_pace(job)
  for _, stage in ipairs(STAGES) do
    local took = tonumber(job['wall.' .. stage] or 0) / 1000
    local usual = tonumber(redis.call('HGET', PACE, stage) or took)
    redis.call('HSET', PACE, stage, usual + SMOOTHING * (took - usual))
  end
end

-- Share of the way a running job has gone, 0..1.
local function gone(job, seconds, sum)
  local before = 0
  for _, stage in ipairs(STAGES) do
    if stage == job.stage then return (before + seconds[stage] * job.done / FULL) / sum end
    before = before + seconds[stage]
  end
  return 0
end

local function remaining_s(job)
  local seconds, sum, learned = pace()
  local share, elapsed = gone(job, seconds, sum), (now - job.admitted_ms) / 1000
  local own = share > 0 and elapsed * (1 - share) / share
  if not learned then return share >= KNOWN_FROM and own or nil end
  local trust = math.min(1, TRUST_OWN_PACE * share)
  return trust * (own or 0) + (1 - trust) * math.max(0, sum - elapsed)
end

local function waiting_s(place)
  local _, sum, learned = pace()
  return learned and sum * ((place - 0.5) / capacity() + 1) or nil
end

-- The job as a ProgressEvent in JSON.
local function snapshot(id)
  local job = hash(job_key(id))
  local parts = { '"job_id":' .. cjson.encode(id), '"status":"' .. job.status .. '"', '"reply_to":' .. job.reply_to }
  local function tell(name, json) if json then parts[#parts + 1] = '"' .. name .. '":' .. json end end
  local function tell_eta(eta) if eta then tell('eta_s', string.format('%.1f', eta)) end end
  if job.status == 'waiting' then
    local place = position(id, job.line)
    tell('position', place)
    tell_eta(waiting_s(place))
  elseif job.status == 'running' then
    tell_eta(remaining_s(job))
  end
  if job.stage then
    tell('stage', '"' .. job.stage .. '"')
    tell('done', job.done)
    tell('total', FULL)
  end
  for _, name in ipairs({ 'error_code', 'error_params', 'video', 'facts' }) do tell(name, job[name]) end
  return '{' .. table.concat(parts, ',') .. '}'
end

local function publish(id)
  redis.call('HSET', job_key(id), 'told_ms', now)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', config.events_kept, '*', 'event', snapshot(id))
end

-- Notes how far a running job is; tells so unless it did a moment ago.
local function advance(id, stage, done)
  local key = job_key(id)
  local job = hash(key)
  local since = now - (job.advanced_ms or job.admitted_ms)
  redis.call('HINCRBY', key, 'wall.' .. (job.stage or stage), since)
  if stage == job.stage then done = math.max(done, job.done) end -- a step begun again does not take progress back
  redis.call('HSET', key, 'stage', stage, 'done', done, 'advanced_ms', now)
  local changed = stage ~= job.stage
  if changed or (done ~= tonumber(job.done) and now - job.told_ms >= TELL_EVERY) then publish(id) end
end
