// SPDX-License-Identifier: Apache-2.0

public import NIOCore
import Synchronization

/// The bytes of a cached object, to be held by those who made something of it: holding them keeps nothing in memory once the
/// cache has let the object go.
public final class CachedBody: Sendable {
    private let content: Mutex<ByteBuffer?>

    init(_ bytes: ByteBuffer?) { self.content = Mutex(bytes) }

    /// Nil when there are too many of them to keep, and once the object was changed, deleted or evicted.
    public var bytes: ByteBuffer? { content.withLock { $0 } }

    func drop() { content.withLock { $0 = nil } }
}

/// An object that was read lately, with its bytes where they are few.
public final class CachedObject: Sendable {
    public let object: ReadableObject
    public let details: ObjectMetadata
    public let body: CachedBody

    init(object: ReadableObject, details: ObjectMetadata, body: ByteBuffer?) {
        self.object = object
        self.details = details
        self.body = CachedBody(body)
    }

    /// What it costs to keep, in bytes.
    var cost: Int {
        1024 + (body.bytes?.readableBytes ?? 0) + (object.record.metadata?.rawValue.utf8.count ?? 0)
            + (object.record.userMetadata?.rawValue.utf8.count ?? 0)
    }
}

/// Objects of public buckets, of verified grants, and of a role that no policy binds, kept in memory by address and bounded in
/// bytes.
///
/// Nothing that row-level security decides is ever kept. Entries go at once on this server's own writes, and through
/// `MetadataStore.watch` for everybody else's; while changes may be missed nothing is kept at all.
public final class ReadCache: Sendable {
    /// Proof that an address was not invalidated between a read and its insertion.
    struct Ticket: Sendable {
        fileprivate let stripe: Int
        fileprivate let generation: UInt64
    }

    private struct Slot {
        var cached: CachedObject
        var cost: Int
        /// Set by a hit, cleared by the passing hand: the second chance of the clock algorithm.
        var isReferenced: Bool
    }

    private struct State {
        var isTracking = false
        var index: [ObjectAddress: Int] = [:]
        var slots: [Slot?] = []
        var free: [Int] = []
        var hand = 0
        var cost = 0
        var generations = [UInt64](repeating: 0, count: ReadCache.stripes)
    }

    /// Goes by the same changes.
    let bucketRules = BucketCache<Bucket>()
    let bucketSettings = BucketCache<BucketSettings>()
    let imageSettings = BucketCache<ImageSettings>()

    private static let stripes = 1024
    private let state = Mutex(State())
    private let capacity: Int
    /// How many bytes front-ends may keep of answers made ready, bodies not counted.
    public let answerCapacity: Int
    /// The largest body that is kept, in bytes.
    public let maxBodyBytes: Int

    /// - Parameters:
    ///   - capacity: in bytes, bodies, records and, up to an eighth, ready answers together. 0 keeps nothing.
    ///   - maxBodyBytes: larger bodies are read from their store each time.
    public init(capacity: Int, maxBodyBytes: Int) {
        self.answerCapacity = capacity / 8
        self.capacity = capacity - answerCapacity
        self.maxBodyBytes = min(maxBodyBytes, capacity / 8)
    }

    func lookup(_ address: ObjectAddress) -> CachedObject? {
        state.withLock { state in
            guard let position = state.index[address] else { return nil }
            state.slots[position]?.isReferenced = true
            return state.slots[position]?.cached
        }
    }

    /// To be taken before the database is read. Nil while nothing may be kept.
    func ticket(for address: ObjectAddress) -> Ticket? {
        let stripe = Self.stripe(address)
        return state.withLock { state in
            state.isTracking && capacity > 0 ? Ticket(stripe: stripe, generation: state.generations[stripe]) : nil
        }
    }

    /// Keeps an object read after `ticket` was taken, unless it changed since.
    func insert(_ object: ReadableObject, details: ObjectMetadata, body: ByteBuffer?, ticket: Ticket) -> CachedObject? {
        let cached = CachedObject(object: object, details: details, body: body)
        let cost = cached.cost
        guard cost <= capacity / 4 else { return nil }
        return state.withLock { state in
            guard state.isTracking, state.generations[ticket.stripe] == ticket.generation else { return nil }
            let address = object.record.address
            // Without bytes it adds nothing to what is there, and may have fewer.
            if body == nil, state.index[address] != nil { return nil }
            if let old = state.index[address] { Self.remove(old, from: &state) }
            while state.cost + cost > capacity { Self.evictOne(from: &state) }
            let slot = Slot(cached: cached, cost: cost, isReferenced: false)
            if let position = state.free.popLast() {
                state.slots[position] = slot
                state.index[address] = position
            } else {
                state.index[address] = state.slots.count
                state.slots.append(slot)
            }
            state.cost += cost
            return cached
        }
    }

    /// Forgets one object.
    func invalidate(_ address: ObjectAddress) {
        state.withLock { state in
            state.generations[Self.stripe(address)] &+= 1
            if let position = state.index[address] { Self.remove(position, from: &state) }
        }
    }

    /// Forgets every object of a bucket: its visibility may have changed.
    func invalidate(_ bucket: BucketID) {
        bucketRules.invalidate(bucket)
        bucketSettings.invalidate(bucket)
        imageSettings.invalidate(bucket)
        state.withLock { state in
            for stripe in state.generations.indices { state.generations[stripe] &+= 1 }
            for (address, position) in state.index where address.bucket == bucket { Self.remove(position, from: &state) }
        }
    }

    /// Follows what others change.
    public func apply(_ change: MetadataChange) {
        switch change {
        case .object(let address): invalidate(address)
        case .bucket(let id): invalidate(id)
        case .accessKey: break
        case .lostTrack: reset(isTracking: false)
        case .tracking: reset(isTracking: true)
        }
    }

    private func reset(isTracking: Bool) {
        bucketRules.reset(isTracking: isTracking)
        bucketSettings.reset(isTracking: isTracking)
        imageSettings.reset(isTracking: isTracking)
        state.withLock { state in
            for slot in state.slots { slot?.cached.body.drop() }
            let generations = state.generations.map { $0 &+ 1 }
            state = State()
            state.generations = generations
            state.isTracking = isTracking
        }
    }

    private static func stripe(_ address: ObjectAddress) -> Int { Int(UInt(bitPattern: address.hashValue) % UInt(stripes)) }

    private static func remove(_ position: Int, from state: inout State) {
        guard let slot = state.slots[position] else { return }
        slot.cached.body.drop()
        state.index[slot.cached.object.record.address] = nil
        state.slots[position] = nil
        state.free.append(position)
        state.cost -= slot.cost
    }

    private static func evictOne(from state: inout State) {
        while true {
            state.hand = state.hand + 1 < state.slots.count ? state.hand + 1 : 0
            guard let slot = state.slots[state.hand] else { continue }
            if slot.isReferenced {
                state.slots[state.hand]?.isReferenced = false
            } else {
                return remove(state.hand, from: &state)
            }
        }
    }
}
