using System.Globalization;
using System.Runtime.InteropServices;
using Onward.Formats;

namespace Onward.Onnx;

/// <summary>Puts an ONNX graph together, node by node. Values go by their names.</summary>
/// <remarks>Numbers of fields and of types are those of the ONNX intermediate representation (onnx.ai, docs/IR.md).</remarks>
internal sealed class GraphBuilder
{
    /// <summary>The version of the standard operators that the nodes are of: the first with layer normalisation.</summary>
    internal const int OperatorSet = 17;

    // The version of the file format that came with these operators.
    private const int FormatVersion = 8;

    private const int Float = 1, Int64 = 7; // TensorProto.DataType

    private readonly WireMessage _graph = new();
    private readonly Dictionary<string, int> _names = [];

    /// <summary>Declares an input of the graph, or an output.</summary>
    /// <param name="name">The value's name.</param>
    /// <param name="isInput">Whether it is an input.</param>
    /// <param name="meaning">What it holds.</param>
    /// <param name="sizes">Sizes of the axes after the first, whose size is free.</param>
    internal void Declare(string name, bool isInput, string meaning, params int[] sizes)
    {
        WireMessage shape = new();
        shape.Add(1, new WireMessage().Add(2, "N")); // dim_param
        foreach (int size in sizes)
        {
            shape.Add(1, new WireMessage().Add(1, size)); // dim_value
        }

        WireMessage tensor = new WireMessage().Add(1, Float).Add(2, shape);
        _graph.Add(isInput ? 11 : 12, new WireMessage().Add(1, name).Add(2, new WireMessage().Add(1, tensor)).Add(3, meaning));
    }

    /// <summary>Adds numbers that the file holds.</summary>
    /// <returns>Their name.</returns>
    internal string Numbers(string name, IEnumerable<int> shape, ReadOnlySpan<float> values) =>
        Tensor(name, shape, Float, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>Adds whole numbers, such as a shape or axes.</summary>
    /// <returns>Their name.</returns>
    internal string Whole(string name, params long[] values) =>
        Tensor(Unique(name), [values.Length], Int64, MemoryMarshal.AsBytes<long>(values).ToArray());

    /// <summary>Adds an operator.</summary>
    /// <param name="type">Which.</param>
    /// <param name="inputs">Names of what it takes.</param>
    /// <param name="attributes">Its settings.</param>
    /// <returns>The name of what it gives.</returns>
    internal string Node(string type, string[] inputs, params (string Name, object Value)[] attributes)
    {
        string output = Unique(type.ToLowerInvariant());
        AddNode(type, inputs, output, attributes);
        return output;
    }

    /// <summary>Gives a value another name: that of an output.</summary>
    internal void Name(string value, string output) => AddNode("Identity", [value], output, []);

    /// <summary>The model.</summary>
    /// <param name="name">Name of the graph.</param>
    /// <param name="producer">The program's version.</param>
    /// <param name="description">What the model is, for people.</param>
    /// <param name="properties">What the model is, for programs.</param>
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

    // A value and, in field 20, its kind (AttributeProto.AttributeType).
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
                    $"Attribute {name} is of a kind that no operator here takes: {value.GetType().Name}.", nameof(value));
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

    private string Unique(string name)
    {
        int count = _names[name] = _names.GetValueOrDefault(name) + 1;
        return string.Create(CultureInfo.InvariantCulture, $"{name}_{count}");
    }
}
