using System.Globalization;
using System.Runtime.InteropServices;
using Onward.Formats;

namespace Onward.Onnx;

/// <summary>Builds an ONNX graph node by node. Values are identified by their names.</summary>
/// <remarks>Field numbers and type codes follow the ONNX intermediate representation (onnx.ai, docs/IR.md).</remarks>
internal sealed class GraphBuilder
{
    /// <summary>The opset of the nodes: 17, the first one with layer normalisation.</summary>
    internal const int OperatorSet = 17;

    // The version of the file format that was released with this opset.
    private const int FormatVersion = 8;

    private const int Float = 1, Int64 = 7; // TensorProto.DataType

    private readonly WireMessage _graph = new();
    private readonly Dictionary<string, int> _names = [];

    /// <summary>Declares an input or an output of the graph.</summary>
    /// <param name="name">Name of the value.</param>
    /// <param name="isInput">True for an input, false for an output.</param>
    /// <param name="meaning">Description of the value.</param>
    /// <param name="sizes">Sizes of the axes after the first. The first axis, N, is free.</param>
    internal void Declare(string name, bool isInput, string meaning, params int[] sizes) =>
        Declare(name, isInput, Float, meaning, sizes);

    /// <summary>Declares an input of whole numbers.</summary>
    /// <param name="name">Name of the value.</param>
    /// <param name="meaning">Description of the value.</param>
    /// <param name="sizes">Sizes of the axes after the first. The first axis, N, is free.</param>
    internal void DeclareIndices(string name, string meaning, params int[] sizes) => Declare(name, isInput: true, Int64, meaning, sizes);

    private void Declare(string name, bool isInput, int type, string meaning, int[] sizes)
    {
        WireMessage shape = new();
        shape.Add(1, new WireMessage().Add(2, "N")); // dim_param
        foreach (int size in sizes)
        {
            shape.Add(1, new WireMessage().Add(1, size)); // dim_value
        }

        WireMessage tensor = new WireMessage().Add(1, type).Add(2, shape);
        _graph.Add(isInput ? 11 : 12, new WireMessage().Add(1, name).Add(2, new WireMessage().Add(1, tensor)).Add(3, meaning));
    }

    /// <summary>Adds float32 constants (an initializer).</summary>
    /// <returns>The name of the constants.</returns>
    internal string Numbers(string name, IEnumerable<int> shape, ReadOnlySpan<float> values) =>
        Tensor(name, shape, Float, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>Adds int64 constants, such as a shape or axes.</summary>
    /// <returns>The name of the constants.</returns>
    internal string Whole(string name, params long[] values) =>
        Tensor(Unique(name), [values.Length], Int64, MemoryMarshal.AsBytes<long>(values).ToArray());

    /// <summary>Adds an operator.</summary>
    /// <param name="type">Type of the operator.</param>
    /// <param name="inputs">Names of the inputs.</param>
    /// <param name="attributes">Attributes of the operator.</param>
    /// <returns>The name of the output.</returns>
    internal string Node(string type, string[] inputs, params (string Name, object Value)[] attributes)
    {
        string output = Unique(type.ToLowerInvariant());
        AddNode(type, inputs, output, attributes);
        return output;
    }

    /// <summary>Makes a name that nothing else has.</summary>
    /// <param name="name">The beginning of the name.</param>
    internal string Unique(string name)
    {
        int count = _names[name] = _names.GetValueOrDefault(name) + 1;
        return string.Create(CultureInfo.InvariantCulture, $"{name}_{count}");
    }

    /// <summary>Makes a value available under the name of an output.</summary>
    internal void Name(string value, string output) => AddNode("Identity", [value], output, []);

    /// <summary>Completes the model.</summary>
    /// <param name="name">Name of the graph.</param>
    /// <param name="producer">Version of the program.</param>
    /// <param name="description">Description of the model for people.</param>
    /// <param name="properties">Metadata of the model for programs.</param>
    internal WireMessage Complete(string name, string producer, string description, IEnumerable<(string Key, string Value)> properties)
    {
        _graph.Add(2, name);
        WireMessage model = new WireMessage()
            .Add(1, FormatVersion)
            .Add(2, "Onward")
            .Add(3, producer)
            .Add(6, description)
            .Add(7, _graph)
            .Add(8, new WireMessage().Add(1, "").Add(2, OperatorSet));
        foreach ((string key, string value) in properties)
        {
            model.Add(14, new WireMessage().Add(1, key).Add(2, value));
        }

        return model;
    }

    private void AddNode(string type, string[] inputs, string output, (string Name, object Value)[] attributes)
    {
        WireMessage node = new();
        foreach (string input in inputs)
        {
            node.Add(1, input);
        }

        node.Add(2, output).Add(3, output).Add(4, type);
        foreach ((string name, object value) in attributes)
        {
            node.Add(5, Attribute(name, value));
        }

        _graph.Add(1, node);
    }

    // Field 20 is the type of the value (AttributeProto.AttributeType).
    private static WireMessage Attribute(string name, object value)
    {
        WireMessage attribute = new WireMessage().Add(1, name);
        switch (value)
        {
            case float number:
                return attribute.Add(2, number).Add(20, 1);
            case int number:
                return attribute.Add(3, number).Add(20, 2);
            case string text:
                return attribute.Add(4, text).Add(20, 3);
            case int[] numbers:
                foreach (int number in numbers)
                {
                    attribute.Add(8, number);
                }

                return attribute.Add(20, 7);
            default:
                throw new ArgumentException(
                    $"Attribute {name} has a type that no operator here takes: {value.GetType().Name}.", nameof(value));
        }
    }

    private string Tensor(string name, IEnumerable<int> shape, int type, byte[] values)
    {
        WireMessage tensor = new();
        foreach (int size in shape)
        {
            tensor.Add(1, size);
        }

        _graph.Add(5, tensor.Add(2, type).Add(8, name).Add(9, values));
        return name;
    }
}
