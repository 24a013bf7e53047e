-- SPDX-License-Identifier: Apache-2.0
-- wrk … -s requests.lua URL -- HEADS [BODY]: sends requests whose heads were made, and where needed signed, beforehand.
--
-- HEADS holds request heads, each closed by a line with a single ASCII record separator; every thread starts at another place and
-- goes round. BODY is sent behind each head. wrk does no work of its own for a request but to join two strings.

local threads = 0

function setup(thread)
    thread:set("place", threads)
    threads = threads + 1
end

local function contents(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

function init(arguments)
    heads = {}
    for head in contents(arguments[1]):gmatch("(.-)\30\n") do
        heads[#heads + 1] = head
    end
    body = arguments[2] and contents(arguments[2]) or ""
    next_head = math.floor(place * #heads / 2)
end

function request()
    next_head = next_head % #heads + 1
    return heads[next_head] .. body
end
