// SPDX-License-Identifier: Apache-2.0

import VipsShim

/// One call of an operation of libvips, by its nick and the names of its arguments: `vips OPERATION` lists them.
final class VipsOperation {
    /// The value of an argument.
    enum Argument {
        case image(VipsImage)
        case images([VipsImage])
        case integer(Int)
        case number(Double)
        case numbers([Double])
        case flag(Bool)
        case text(String)
        /// One of an enumeration's values, by its nick.
        case choice(String)
        /// Borrowed: what they point to outlives every image made of them.
        case bytes(UnsafeRawBufferPointer)
    }

    private let pointer: OpaquePointer

    /// Checks the arguments and makes the outputs.
    init(_ nick: String, _ arguments: KeyValuePairs<String, Argument>) throws(VipsFailure) {
        guard let pointer = vs_operation_new(nick) else { throw VipsFailure.taken() }
        self.pointer = pointer
        for (name, argument) in arguments { try set(name, argument) }
        guard vs_operation_run(pointer) == 0 else { throw VipsFailure.taken() }
    }

    deinit { vs_operation_free(pointer) }

    func image(_ name: String = "out") throws(VipsFailure) -> VipsImage {
        try VipsImage(owning: vs_get_image(pointer, name))
    }

    func integer(_ name: String) -> Int { Int(vs_get_integer(pointer, name)) }

    func numbers(_ name: String) -> [Double] {
        var count: Int32 = 0
        guard let values = vs_get_numbers(pointer, name, &count) else { return [] }
        return Array(UnsafeBufferPointer(start: values, count: Int(count)))
    }

    /// Lends the bytes of an encoder's result.
    func withBytes<Value>(_ name: String = "buffer", _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        var count = 0
        let bytes = vs_get_bytes(pointer, name, &count)
        defer { withExtendedLifetime(self) {} }
        return body(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    private func set(_ name: String, _ argument: Argument) throws(VipsFailure) {
        switch argument {
        case .image(let image): vs_set_image(pointer, name, image.pointer)
        case .images(let images):
            let pointers = images.map { Optional($0.pointer) }
            vs_set_images(pointer, name, pointers, Int32(pointers.count))
            withExtendedLifetime(images) {}
        case .integer(let value): vs_set_integer(pointer, name, Int32(clamping: value))
        case .number(let value): vs_set_number(pointer, name, value)
        case .numbers(let values): vs_set_numbers(pointer, name, values, Int32(values.count))
        case .flag(let value): vs_set_flag(pointer, name, value)
        case .text(let value): vs_set_text(pointer, name, value)
        case .choice(let nick):
            guard vs_set_choice(pointer, name, nick) == 0 else { throw VipsFailure.taken() }
        case .bytes(let bytes): vs_set_bytes(pointer, name, bytes.baseAddress, bytes.count)
        }
    }
}

extension VipsOperation.Argument: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral {
    init(integerLiteral value: Int) { self = .integer(value) }
    init(floatLiteral value: Double) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .flag(value) }
}
