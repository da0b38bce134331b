using System.Numerics.Tensors;
using Onward.Autodiff;
using Onward.Kernels;

namespace Onward.Tests.Autodiff;

/// <summary>Fused kernels against forward mode in float64.</summary>
public sealed class KernelOracleTests
{
    [Fact]
    public void Layer_norm_kernel_has_the_value_and_the_tangent_of_forward_mode()
    {
        const int Runs = 7, Size = 24;
        Tensor<double> x = Draw.Normals<double>(1, [Runs, Size]), v = Draw.Normals<double>(2, [Runs, Size]);
        float[] y = [.. Draw.Numbers(x).Select(number => (float)number)];
        float[] tangent = [.. Draw.Numbers(v).Select(number => (float)number)];
        float[] reciprocal = new float[Runs];
        (Tensor<double> expectedValue, Tensor<double> expectedTangent) = ForwardMode.Jvp(input => input.LayerNorm(), x, v);

        LayerNormKernel.Normalize(y, y, reciprocal, Size, 1e-5f);
        LayerNormKernel.JacobianProduct(y, reciprocal, tangent, tangent, Size);

        Tolerance.Near(Draw.Numbers(expectedValue), [.. y.Select(number => (double)number)], Tolerance.Kernel, "value");
        Tolerance.Near(Draw.Numbers(expectedTangent), [.. tangent.Select(number => (double)number)], Tolerance.Kernel, "tangent");
    }

    [Fact]
    public void Cross_entropy_kernel_has_the_value_and_the_tangent_of_forward_mode()
    {
        Tensor<double> logits = Draw.Normals<double>(1, [10]), v = Draw.Normals<double>(2, [10]);
        float[] error = [.. Draw.Numbers(logits).Select(number => (float)number)];
        (Tensor<double> expectedLoss, Tensor<double> expectedTangent) = ForwardMode.Jvp(input => -input.LogSoftmax(-1).Pick(3), logits, v);

        double loss = SoftmaxCrossEntropy.Evaluate(error, 3, error);

        Tolerance.Near(Draw.Numbers(expectedLoss), [loss], Tolerance.Kernel, "loss");
        Tolerance.Near(
            Draw.Numbers(expectedTangent),
            [TensorPrimitives.Dot<double>([.. error.Select(number => (double)number)], Draw.Numbers(v))],
            Tolerance.Kernel,
            "tangent");
    }
}
