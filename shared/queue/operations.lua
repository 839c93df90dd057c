-- What may be asked of the queue: each operation is one step that happens whole or not at all.

local operations = {}

function operations.submit()
  local job, key = args.job_id, job_key(args.job_id)
  if redis.call('EXISTS', key) == 1 then return snapshot(job) end
  if redis.call('EXISTS', DRAINING) == 1 then return 'draining' end
  if redis.call('LLEN', line_key(args.line)) >= config.waiting_per_user then return 'full' end
  redis.call('HSET', key, 'request', args.request, 'reply_to', args.reply_to, 'line', args.line, 'status', 'waiting')
  join_line(job, args.line)
  publish(job)
  admit()
  return snapshot(job)
end

function operations.admit()
  admit()
end

function operations.status()
  return redis.call('EXISTS', job_key(args.job_id)) == 1 and snapshot(args.job_id)
end

function operations.waiting()
  return waiting_order(args.limit)
end

function operations.running()
  return redis.call('SMEMBERS', RUNNING)
end

function operations.workers()
  return redis.call('ZRANGEBYSCORE', WORKERS, now, '+inf')
end

function operations.bump()
  if redis.call('HGET', job_key(args.job_id), 'status') ~= 'waiting' then return 0 end
  move_to_front(args.job_id)
  for _, job in ipairs(waiting_order(ANNOUNCED)) do publish(job) end
  return 1
end

function operations.pause()
  redis.call('SET', PAUSED, 1)
end

function operations.drain()
  redis.call('SET', DRAINING, 1)
end

function operations.resume()
  redis.call('DEL', PAUSED, DRAINING)
  admit()
end

-- Ends a job from outside; false when there is none to end.
function operations.end_job()
  local status = redis.call('HGET', job_key(args.job_id), 'status')
  if status == 'waiting' then leave_line(args.job_id) end
  if status ~= 'waiting' and status ~= 'running' then return 0 end
  end_job(args.job_id, args.status, args.outcome)
  return 1
end

-- A worker lives; answers whether the step it holds, if any, is still its own.
function operations.beat()
  redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', now)
  redis.call('ZADD', WORKERS, now + config.lease_ms, args.worker)
  local wanted = true
  if args.id then
    wanted = held(args.id, args.worker) ~= nil
    if wanted then redis.call('ZADD', LEASES, now + config.lease_ms, args.id) end
  end
  if args.reap then reap() end
  admit()
  return wanted and 1 or 0
end

function operations.leave()
  redis.call('ZREM', WORKERS, args.worker)
end

-- A worker takes a step up; what it needs in JSON, or false when the step is no longer to be done.
function operations.begin()
  local job, step, attempt = parse(args.id)
  local known, state, holder =
    unpack(redis.call('HMGET', steps_key(job), step .. '.attempt', step .. '.state', step .. '.holder'))
  local mine = state == 'queued' or (state == 'held' and holder == args.worker)
  if known ~= attempt or not mine or redis.call('HGET', job_key(job), 'status') ~= 'running' then return false end
  redis.call('HSET', steps_key(job), step .. '.state', 'held', step .. '.holder', args.worker)
  redis.call('ZREM', QUEUED, args.id)
  redis.call('ZADD', LEASES, now + config.lease_ms, args.id)
  if step == 'finish' then advance(job, 'finish', 0) end
  local request, prepared = unpack(redis.call('HMGET', job_key(job), 'request', 'prepared'))
  local segments = {}
  if step == 'finish' then
    for i = 0, redis.call('HLEN', segments_key(job)) - 1 do
      segments[i + 1] = redis.call('HGET', segments_key(job), i)
    end
  end
  return string.format(
    '{"request":%s,"prepared":%s,"segments":[%s]}', request, prepared or 'null', table.concat(segments, ',')
  )
end

function operations.progress()
  local job, step = held(args.id, args.worker)
  if not job then return 0 end
  if args.stage == 'animate' and string.find(step, '^segment') then
    advance_segment(job, step, args.fraction)
  else
    advance(job, args.stage, math.floor(FULL * args.fraction))
  end
  return 1
end

function operations.prepared()
  local job, step = held(args.id, args.worker)
  if not job then return 0 end
  complete(args.id, job, step, args.seconds)
  redis.call('HSET', job_key(job), 'prepared', args.prepared, 'segments', args.segments, 'missing', args.segments)
  for _, stage in ipairs({ 'separate', 'perform', 'rig' }) do
    redis.call('HSET', job_key(job), 'done.' .. stage, FULL)
  end
  advance(job, 'animate', 0)
  for i = 0, args.segments - 1 do enqueue(job, segment_step(i)) end
  return 1
end

function operations.segment_done()
  local job, step = held(args.id, args.worker)
  if not job then return 0 end
  redis.call('HSET', segments_key(job), args.index, args.segment)
  complete(args.id, job, step, args.seconds)
  advance_segment(job, step, 1)
  if redis.call('HINCRBY', job_key(job), 'missing', -1) == 0 then enqueue(job, 'finish') end
  return 1
end

function operations.finished()
  local job, step = held(args.id, args.worker)
  if not job then return 0 end
  complete(args.id, job, step, args.seconds)
  advance(job, 'finish', FULL)
  local stages = stage_seconds(job)
  if #stages > 0 then args.facts.stages = stages end
  end_job(job, 'succeeded', { video = args.video, facts = cjson.encode(args.facts) })
  return 1
end

function operations.step_failed()
  local job = held(args.id, args.worker)
  if not job then return 0 end
  end_job(job, args.status, args.outcome)
  return 1
end

-- A worker that must stop gives its step back; no takeover is counted.
function operations.release()
  local job, step = held(args.id, args.worker)
  if not job then return 0 end
  forget(args.id)
  enqueue(job, step)
  return 1
end

return operations[ARGV[1]]()
