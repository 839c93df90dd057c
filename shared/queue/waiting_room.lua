-- Where accepted jobs wait: one line a person, served in turn, one job from each.

local function join_line(job, line)
  if redis.call('RPUSH', line_key(line), job) == 1 then redis.call('RPUSH', LINES, line) end
end

local function leave_line(job)
  local line = redis.call('HGET', job_key(job), 'line')
  redis.call('LREM', line_key(line), 0, job)
  if redis.call('LLEN', line_key(line)) == 0 then redis.call('LREM', LINES, 0, line) end
end

local function take_next()
  local line = redis.call('LPOP', LINES)
  if not line then return nil end
  local job = redis.call('LPOP', line_key(line))
  if redis.call('LLEN', line_key(line)) > 0 then redis.call('RPUSH', LINES, line) end
  return job
end

local function move_to_front(job)
  local line = redis.call('HGET', job_key(job), 'line')
  redis.call('LREM', line_key(line), 0, job)
  redis.call('LPUSH', line_key(line), job)
  redis.call('LREM', LINES, 0, line)
  redis.call('LPUSH', LINES, line)
end

-- The jobs that will be served next, at most `limit`.
local function waiting_order(limit)
  local lines, order, round, found = redis.call('LRANGE', LINES, 0, -1), {}, 0, true
  while found and #order < limit do
    found = false
    for _, line in ipairs(lines) do
      local job = redis.call('LINDEX', line_key(line), round)
      if job and #order < limit then
        found = true
        order[#order + 1] = job
      end
    end
    round = round + 1
  end
  return order
end

-- Place of a waiting job, 1 is next.
local function position(job, line)
  local place = redis.call('LPOS', line_key(line), job)
  local ahead, rounds = 0, place + 1 -- a line before ours is served once more than ours by then
  for _, other in ipairs(redis.call('LRANGE', LINES, 0, -1)) do
    if other == line then
      ahead, rounds = ahead + place, place
    else
      ahead = ahead + math.min(redis.call('LLEN', line_key(other)), rounds)
    end
  end
  return ahead + 1
end

local function capacity()
  if config.capacity then return config.capacity end
  return math.max(1, redis.call('ZCOUNT', WORKERS, now, '+inf'))
end
