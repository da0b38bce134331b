using Onward.Kernels;

namespace Onward.Models;

/// <summary>
/// A linear map of pooled features: features W + b, W [D, K]. Its outputs are the logits of a classifier or, in a self-supervised
/// network, the embedding by which examples are compared.
/// </summary>
public sealed class LinearHead
{
    private readonly bool _isNarrow; // so few outputs that HeadProduct is faster than Gemm
    private readonly Memory<float> _packedWeight;
    private readonly Memory<float> _packedTranspose;

    internal LinearHead(int features, int outputs, string name, ParameterLayout layout)
    {
        Features = features;
        Outputs = outputs;
        Weight = layout.Add($"{name}.weight", [features, outputs], isMatrix: true);
        Bias = layout.Add($"{name}.bias", [outputs], isMatrix: false);
        _isNarrow = HeadProduct.Serves(features, outputs);
        _packedWeight = AlignedMemory.Allocate(_isNarrow ? features * outputs : Gemm.PackedLength(features, outputs));
        _packedTranspose = AlignedMemory.Allocate(Gemm.PackedLength(outputs, features));
    }

    /// <summary>Floats in one pooled feature vector, D.</summary>
    public int Features { get; }

    /// <summary>Number of outputs, K: a logit for each class, or the coordinates of an embedding.</summary>
    public int Outputs { get; }

    /// <summary>Floating-point operations of one example's outputs.</summary>
    public long FlopsPerExample => 2L * Features * Outputs;

    /// <summary>The weight [D, K].</summary>
    public Parameter Weight { get; }

    /// <summary>The bias [K].</summary>
    public Parameter Bias { get; }

    internal void Pack(ParameterVector values)
    {
        if (_isNarrow)
        {
            HeadProduct.Pack(values.Read(Weight), Outputs, _packedWeight.Span);
        }
        else
        {
            Gemm.Pack(new(values.Read(Weight), Features, Outputs), _packedWeight.Span, Features);
        }

        Gemm.Pack(new MatrixView(values.Read(Weight), Features, Outputs).Transposed, _packedTranspose.Span, Outputs);
    }

    /// <summary>outputs [examples, K] = features [examples, D] W + b.</summary>
    internal void Apply(ParameterVector values, ReadOnlySpan<float> features, Span<float> outputs, int examples)
    {
        if (_isNarrow)
        {
            HeadProduct.Apply(features[..(examples * Features)], _packedWeight.Span, values.Read(Bias), outputs, Features);
            return;
        }

        for (int n = 0; n < examples; n++)
        {
            values.Read(Bias).CopyTo(outputs.Slice(n * Outputs, Outputs));
        }

        Gemm.MultiplyPacked(
            new(features, examples, Features), new(_packedWeight.Span, Features, Outputs), outputs, Outputs, accumulate: true);
    }

    /// <summary>q [examples, D] = error [examples, K] W': the gradient of the loss with respect to the features.</summary>
    internal void FeatureGradient(ReadOnlySpan<float> error, Span<float> gradient, int examples) =>
        Gemm.MultiplyPacked(
            new(error, examples, Outputs), new(_packedTranspose.Span, Outputs, Features), gradient, Features, accumulate: false);

    /// <summary>Computes the gradients of weight and bias: features' error, and the sum of error over the examples in order.</summary>
    internal void AccumulateGradient(
        ReadOnlySpan<float> features,
        ReadOnlySpan<float> error,
        int examples,
        bool accumulate,
        ParameterVector gradients,
        Span<float> workspace)
    {
        if (_isNarrow)
        {
            HeadProduct.AccumulateGradient(features[..(examples * Features)], error, gradients[Weight], Features, accumulate);
        }
        else
        {
            Gemm.Multiply(
                new MatrixView(features, examples, Features).Transposed,
                new(error, examples, Outputs),
                gradients[Weight],
                Outputs,
                accumulate,
                workspace);
        }

        Span<float> bias = gradients[Bias];
        if (!accumulate)
        {
            bias.Clear();
        }

        for (int n = 0; n < examples; n++)
        {
            System.Numerics.Tensors.TensorPrimitives.Add(bias, error.Slice(n * Outputs, Outputs), bias);
        }
    }
}
