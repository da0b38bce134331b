using Onward.Layers;

namespace Onward.Tests.Layers;

/// <summary>Computes several examples by an example layer, one after another.</summary>
internal static class ExampleLayers
{
    public static void Apply(this ExampleLayer layer, ExampleShape shape, float[] input, Span<float> output)
    {
        int length = layer.OutputOf(shape).Length;
        for (int n = 0; n < input.Length / shape.Length; n++)
        {
            layer.Apply(Values(layer, shape, input, n), output.Slice(n * length, length));
        }
    }

    public static void ApplyTangent(this ExampleLayer layer, ExampleShape shape, float[] input, float[] tangent, Span<float> result)
    {
        int length = layer.OutputOf(shape).Length;
        for (int n = 0; n < input.Length / shape.Length; n++)
        {
            ExampleValues example = Values(layer, shape, input, n);
            Span<float> part = result.Slice(n * length, length);
            layer.Apply(example, part);
            layer.ApplyTangent(example, tangent.AsSpan(n * shape.Length, shape.Length), part);
        }
    }

    public static void ApplyTranspose(this ExampleLayer layer, ExampleShape shape, float[] input, float[] gradient, Span<float> result)
    {
        int length = layer.OutputOf(shape).Length;
        for (int n = 0; n < input.Length / shape.Length; n++)
        {
            ExampleValues example = Values(layer, shape, input, n);
            layer.Apply(example, new float[length]);
            layer.ApplyTranspose(example, gradient.AsSpan(n * length, length), result.Slice(n * shape.Length, shape.Length));
        }
    }

    private static ExampleValues Values(ExampleLayer layer, ExampleShape shape, float[] input, int n) => new(
        shape,
        input.AsSpan(n * shape.Length, shape.Length),
        Numbers.Filled(layer.StateOf(shape), float.NaN),
        Numbers.Filled(layer.WorkspaceOf(shape), float.NaN));
}
