-- The steps of an admitted job: handed to arq, held by a worker under a lease, fenced by an attempt number.
-- A step id is <job>:<step>:<attempt>, and is the id of the arq job as well. Steps: prepare, segment-0000 ..., finish.

local ANNOUNCED = 20 -- so many of those waiting are told when the room moves on

local function parse(id)
  return string.match(id, '^(.*):([^:]+):(%d+)$')
end

local function segment_step(index)
  return string.format('segment-%04d', index)
end

local function arq_function(step)
  return string.find(step, '^segment') and 'render_segment' or step
end

-- Writes what arq's enqueue_job writes (arq 0.28, serialize_job), so that no crash can come between state and queue.
-- The score is the job's admission: what was begun first is finished first.
local function enqueue(job, step)
  local attempt = redis.call('HINCRBY', steps_key(job), step .. '.attempt', 1)
  redis.call('HSET', steps_key(job), step .. '.state', 'queued')
  local id = job .. ':' .. step .. ':' .. attempt
  local call = cjson.encode({ t = cjson.null, f = arq_function(step), a = { id }, k = {}, et = now })
  redis.call('SET', config.arq_job .. id, call, 'PX', config.kept_ms)
  redis.call('ZADD', config.arq_queue, redis.call('HGET', job_key(job), 'admitted_ms'), id)
  redis.call('ZADD', QUEUED, 0, id)
end

local function forget(id)
  redis.call('ZREM', QUEUED, id)
  redis.call('ZREM', LEASES, id)
  redis.call('ZREM', config.arq_queue, id)
  redis.call('DEL', config.arq_job .. id, config.arq_retry .. id)
end

local function admit()
  if redis.call('EXISTS', PAUSED) == 1 then return end
  local moved = false
  while redis.call('SCARD', RUNNING) < capacity() do
    local job = take_next()
    if not job then break end
    redis.call('HSET', job_key(job), 'status', 'running', 'admitted_ms', now)
    redis.call('SADD', RUNNING, job)
    enqueue(job, 'prepare')
    publish(job)
    moved = true
  end
  if moved then
    for _, job in ipairs(waiting_order(ANNOUNCED)) do publish(job) end
  end
end

-- The one way a job ends: told once, its other steps withdrawn, the next one let in.
local function end_job(job, status, outcome)
  local key = job_key(job)
  redis.call('HSET', key, 'status', status)
  for name, json in pairs(outcome) do redis.call('HSET', key, name, json) end
  redis.call('SREM', RUNNING, job)
  local steps = hash(steps_key(job))
  for field, attempt in pairs(steps) do
    local step = string.match(field, '^(.*)%.attempt$')
    if step then forget(job .. ':' .. step .. ':' .. attempt) end
  end
  publish(job)
  if status == 'succeeded' then learn_pace(hash(key)) end
  for _, owned in ipairs({ key, steps_key(job), segments_key(job), seconds_key(job) }) do
    redis.call('PEXPIRE', owned, config.kept_ms)
  end
  admit()
end

-- Job and step when `worker` holds this very attempt of a running job, else nil: late results stop here.
local function held(id, worker)
  local job, step, attempt = parse(id)
  if redis.call('HGET', job_key(job), 'status') ~= 'running' then return nil end
  local now_at, state, holder =
    unpack(redis.call('HMGET', steps_key(job), step .. '.attempt', step .. '.state', step .. '.holder'))
  if now_at == attempt and state == 'held' and holder == worker then return job, step end
  return nil
end

local function complete(id, job, step, seconds)
  redis.call('HSET', steps_key(job), step .. '.state', 'done')
  forget(id)
  for stage, s in pairs(seconds) do redis.call('HINCRBYFLOAT', seconds_key(job), stage, s) end
end

local function advance_segment(job, step, fraction)
  local before = tonumber(redis.call('HGET', steps_key(job), step .. '.fraction') or 0)
  if fraction <= before then return end
  redis.call('HSET', steps_key(job), step .. '.fraction', fraction)
  local sum = redis.call('HINCRBYFLOAT', job_key(job), 'animated', fraction - before)
  local segments = redis.call('HGET', job_key(job), 'segments')
  advance(job, 'animate', math.min(FULL, math.floor(FULL * sum / segments + 1e-6)))
end

local function take_over(id)
  local job, step, attempt = parse(id)
  forget(id)
  redis.call('DEL', config.arq_in_progress .. id)
  if redis.call('HGET', job_key(job), 'status') ~= 'running' then return end
  if redis.call('HGET', steps_key(job), step .. '.attempt') ~= attempt then return end
  if redis.call('HINCRBY', steps_key(job), step .. '.takeovers', 1) > config.takeovers_max then
    end_job(job, 'failed', { error_code = '"worker_lost"', error_params = '{}' })
  else
    enqueue(job, step)
  end
end

-- Finds steps whose worker is gone: a lease that ended, or one that arq picked up and nobody began.
local function reap()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now)) do take_over(id) end
  local queued = redis.call('ZRANGE', QUEUED, 0, -1, 'WITHSCORES')
  for i = 1, #queued, 2 do
    local id, since = queued[i], tonumber(queued[i + 1])
    local picked = redis.call('EXISTS', config.arq_in_progress .. id) == 1
      or not redis.call('ZSCORE', config.arq_queue, id)
    if not picked then
      if since > 0 then redis.call('ZADD', QUEUED, 'XX', 0, id) end
    elseif since == 0 then
      redis.call('ZADD', QUEUED, 'XX', now, id)
    elseif now - since > config.lease_ms then
      take_over(id)
    end
  end
end

-- Worker seconds of each stage, in the order of STAGES, then others by name.
local function stage_seconds(job)
  local rank, list = {}, {}
  for i, stage in ipairs(STAGES) do rank[stage] = i end
  for stage, s in pairs(hash(seconds_key(job))) do list[#list + 1] = { name = stage, seconds = tonumber(s) } end
  table.sort(list, function(a, b)
    local x, y = rank[a.name] or FULL, rank[b.name] or FULL
    return x < y or (x == y and a.name < b.name)
  end)
  return list
end
