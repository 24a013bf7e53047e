// SPDX-License-Identifier: Apache-2.0

/// The prefixes that are declared at a place in a document. Namespaces in XML 1.0 §3, §6.
struct XMLNamespaces: Sendable {
    private var bindings: [(prefix: ArraySlice<UInt8>, namespace: String, depth: Int)] = []

    /// Declares what `xmlns="…"` or `xmlns:…="…"` says.
    /// - Returns: Whether it is allowed.
    mutating func bind(_ prefix: ArraySlice<UInt8>, to value: ArraySlice<UInt8>, depth: Int) throws(XMLError) -> Bool {
        let namespace = String(decoding: value, as: UTF8.self)
        guard !prefix.elementsEqual("xmlns".utf8), prefix.isEmpty || !namespace.isEmpty else { return false }
        guard prefix.elementsEqual("xml".utf8) == (namespace == XMLQualifiedName.xmlNamespace) else { return false }
        guard bindings.count < Self.mostBindings else { throw .tooManyAttributes }
        bindings.append((prefix, namespace, depth))
        return true
    }

    /// Forgets what the element at this depth declared.
    mutating func leave(depth: Int) {
        while let last = bindings.last, last.depth >= depth { bindings.removeLast() }
    }

    /// What a prefix stands for; an empty one for the default namespace, which is nil where there is none.
    func resolve(_ prefix: ArraySlice<UInt8>) -> String? {
        if let binding = bindings.last(where: { $0.prefix == prefix }) {
            return binding.namespace.isEmpty ? nil : binding.namespace
        }
        if prefix.isEmpty { return nil }
        return prefix.elementsEqual("xml".utf8) ? XMLQualifiedName.xmlNamespace : XMLQualifiedName.unknownNamespace
    }

    /// In force at once: each name of the document may have to look at all of them.
    private static let mostBindings = 128
}
