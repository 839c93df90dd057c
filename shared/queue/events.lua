-- What is told about a job: a snapshot of its state, appended to the stream in the same step as the change.

local STAGES = { 'separate', 'perform', 'rig', 'animate', 'finish' }
-- Seconds that each stage is shown, until one job is done: 30 s of song at 512 high on two cores (benchmarks/job.py).
-- The rig is made beside the other two and hardly shown by itself.
local FIRST_GUESS = { separate = 2.9, perform = 2.6, rig = 0.3, animate = 6.8, finish = 0.5 }
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

-- How much of a stage is done, of FULL; nil before it began.
local function done_of(job, stage)
  return tonumber(job['done.' .. stage])
end

-- Share of the way a running job has gone, 0..1.
local function gone(job, seconds, sum)
  local behind = 0
  for _, stage in ipairs(STAGES) do behind = behind + seconds[stage] * (done_of(job, stage) or 0) / FULL end
  return behind / sum
end

-- Stages run side by side; one is shown until it is done, then the first that is not.
local function shown_stage(job)
  if job.stage and done_of(job, job.stage) < FULL then return job.stage end
  local last
  for _, stage in ipairs(STAGES) do
    local done = done_of(job, stage)
    if done and done < FULL then return stage end
    if done then last = stage end
  end
  return last
end

-- What is left of each stage at its usual pace, scaled by how this job compares; the stage shown by its own pace, too.
local function remaining_s(job)
  local seconds, sum, learned = pace()
  local share, scale = gone(job, seconds, sum), learned and 1 or nil
  if share >= KNOWN_FROM then
    local own = (now - job.admitted_ms) / 1000 / (share * sum)
    local trust = learned and math.min(1, TRUST_OWN_PACE * share) or 1
    scale = trust * own + (1 - trust) * (scale or 0)
  end
  if not scale then return nil end
  local left = 0
  for _, stage in ipairs(STAGES) do
    local done = (done_of(job, stage) or 0) / FULL
    local usual = seconds[stage] * scale * (1 - done)
    local own = done > 0 and (job['wall.' .. stage] or 0) / 1000 * (1 - done) / done or usual
    left = left + (stage == job.stage and done * own + (1 - done) * usual or usual)
  end
  return left
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
    tell('done', done_of(job, job.stage))
    tell('total', FULL)
  end
  for _, name in ipairs({ 'error_code', 'error_params', 'video', 'facts' }) do tell(name, job[name]) end
  return '{' .. table.concat(parts, ',') .. '}'
end

local function publish(id)
  redis.call('HSET', job_key(id), 'told_ms', now)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', config.events_kept, '*', 'event', snapshot(id))
end

-- Notes how far a stage of a running job is; tells so unless it did a moment ago.
local function advance(id, stage, done)
  local key = job_key(id)
  local job = hash(key)
  local since = now - (job.advanced_ms or job.admitted_ms)
  redis.call('HINCRBY', key, 'wall.' .. (job.stage or stage), since)
  local before, shown_before = done_of(job, job.stage or stage), job.stage
  job['done.' .. stage] = math.max(done, done_of(job, stage) or 0) -- a step begun again takes no progress back
  job.stage = shown_stage(job)
  redis.call('HSET', key, 'done.' .. stage, job['done.' .. stage], 'stage', job.stage, 'advanced_ms', now)
  local moved = done_of(job, job.stage) ~= before
  if job.stage ~= shown_before or (moved and now - job.told_ms >= TELL_EVERY) then publish(id) end
end
