import { storeScript } from "./store-connection.ts";

// Times are the store's own: machines that disagree about the time count alike. Numbers leave as integers, which is all
// that a script can answer with.

/**
 * Adds what a machine admitted to the levels of all, and answers with these: microseconds until the key has its whole
 * burst again. Keys forget themselves when they have it. ARGV: the interval in milliseconds, then the cost of each key.
 */
export const gcraScript = storeScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local answer = {}
for i, key in ipairs(KEYS) do
  local level = tonumber(redis.call('GET', key) or now)
  if level < now then level = now end
  level = level + ARGV[i + 1] * ARGV[1]
  redis.call('SET', key, string.format('%.17g', level), 'PX', math.ceil(level - now) + 1)
  answer[i] = math.ceil((level - now) * 1000)
end
return answer`);

/**
 * The same for fixed windows. Answers with the number of the present window, then with what was spent in it. What was
 * spent in an earlier one is nobody's business any more. ARGV: the window in milliseconds, then cost and window of each.
 */
export const windowScript = storeScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local size = tonumber(ARGV[1])
local window = math.floor(now / size)
local answer = { window }
for i, key in ipairs(KEYS) do
  local spent = 0
  local held = redis.call('GET', key)
  if held then
    local at, count = string.match(held, '^(%d+) (%S+)$')
    if tonumber(at) == window then spent = tonumber(count) end
  end
  if tonumber(ARGV[i * 2 + 1]) >= window then spent = spent + ARGV[i * 2] end
  redis.call('SET', key, string.format('%d %.17g', window, spent), 'PX', math.ceil((window + 1) * size - now) + 1)
  answer[i + 1] = math.ceil(spent)
end
return answer`);

/**
 * The seed that keys of all machines are hashed with: that of whoever came first, whose it is from then on. Answers with
 * it, and with the store's time in microseconds. Run every second, it also tells that the store lives.
 */
export const seedScript = storeScript(`
redis.call('SET', KEYS[1], ARGV[1], 'NX')
local t = redis.call('TIME')
return { redis.call('GET', KEYS[1]), t[1] * 1000000 + t[2] }`);
