using Onward.Kernels;

namespace Onward.Models;

/// <summary>A linear classifier on pooled features: logits = features W + b, W [D, K].</summary>
public sealed class LinearHead
{
    private readonly Memory<float> _packedWeight;
    private readonly Memory<float> _packedTranspose;

    internal LinearHead(int features, int classes, string name, ParameterLayout layout)
    {
        Features = features;
        Classes = classes;
        Weight = layout.Add($"{name}.weight", [features, classes], isMatrix: true);
        Bias = layout.Add($"{name}.bias", [classes], isMatrix: false);
        _packedWeight = AlignedMemory.Allocate(Gemm.PackedLength(features, classes));
        _packedTranspose = AlignedMemory.Allocate(Gemm.PackedLength(classes, features));
    }

    /// <summary>Floats in one pooled feature vector, D.</summary>
    public int Features { get; }

    /// <summary>Classes, K.</summary>
    public int Classes { get; }

    /// <summary>The weight [D, K].</summary>
    public Parameter Weight { get; }

    /// <summary>The bias [K].</summary>
    public Parameter Bias { get; }

    internal void Pack(ParameterVector values)
    {
        Gemm.Pack(values[Weight], Classes, transposed: false, Features, Classes, _packedWeight.Span, Features);
        Gemm.Pack(values[Weight], Classes, transposed: true, Classes, Features, _packedTranspose.Span, Classes);
    }

    /// <summary>logits [examples, K] = features [examples, D] W + b.</summary>
    internal void Logits(ParameterVector values, ReadOnlySpan<float> features, Span<float> logits, int examples)
    {
        for (int n = 0; n < examples; n++)
        {
            values[Bias].CopyTo(logits.Slice(n * Classes, Classes));
        }

        Gemm.MultiplyPacked(GemmLeft.Plain, examples, Classes, Features, features, Features, _packedWeight.Span, Features, 0, logits, Classes, accumulate: true);
    }

    /// <summary>q [examples, D] = error [examples, K] W': the gradient of the loss with respect to the features.</summary>
    internal void FeatureGradient(ReadOnlySpan<float> error, Span<float> gradient, int examples) =>
        Gemm.MultiplyPacked(GemmLeft.Plain, examples, Features, Classes, error, Classes, _packedTranspose.Span, Classes, 0, gradient, Features, accumulate: false);

    /// <summary>Adds features' error to the weight's gradient and the sum of error to the bias's, example by example.</summary>
    internal void AccumulateGradient(ReadOnlySpan<float> features, ReadOnlySpan<float> error, int examples, bool accumulate, ParameterVector gradients, Span<float> workspace)
    {
        Gemm.Multiply(GemmLeft.Transposed, rightTransposed: false, Features, Classes, examples, features, Features, error, Classes, gradients[Weight], Classes, accumulate, workspace);
        Span<float> bias = gradients[Bias];
        if (!accumulate)
        {
            bias.Clear();
        }

        for (int n = 0; n < examples; n++)
        {
            System.Numerics.Tensors.TensorPrimitives.Add(bias, error.Slice(n * Classes, Classes), bias);
        }
    }
}
