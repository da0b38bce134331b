using System.Numerics.Tensors;
using Onward.Models;

namespace Onward.Training;

/// <summary>How well the gradient estimate of a block's layers agrees with the exact gradient of the same losses.</summary>
/// <param name="Norm">Euclidean norm of the estimate.</param>
/// <param name="ExactNorm">Euclidean norm of the exact gradient.</param>
/// <param name="Cosine">Cosine of the angle between them, -1 to 1; 0 where either is zero.</param>
public readonly record struct GradientAgreement(double Norm, double ExactNorm, double Cosine)
{
    /// <summary>Compares the gradients of every block's layers; heads, whose gradients are exact, are left out.</summary>
    /// <param name="model">The model.</param>
    /// <param name="estimate">The estimate.</param>
    /// <param name="exact">The exact gradient.</param>
    /// <returns>The agreement of each block.</returns>
    public static GradientAgreement[] Measure(LocalMixer model, ParameterVector estimate, ParameterVector exact)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(estimate);
        ArgumentNullException.ThrowIfNull(exact);
        return [.. model.Blocks.Select(block => Measure(block, estimate, exact))];
    }

    /// <summary>The mean over several steps, of norms and of cosines. [step][block]</summary>
    internal static GradientAgreement[] Mean(IReadOnlyList<GradientAgreement[]> steps) => steps.Count == 0 ? [] :
    [
        .. Enumerable.Range(0, steps[0].Length).Select(k => new GradientAgreement(
            steps.Average(blocks => blocks[k].Norm), steps.Average(
                blocks => blocks[k].ExactNorm), steps.Average(blocks => blocks[k].Cosine))),
    ];

    private static GradientAgreement Measure(MixerBlock block, ParameterVector estimate, ParameterVector exact)
    {
        double squares = 0, exactSquares = 0, product = 0;
        foreach (Parameter parameter in block.Layers.SelectMany(layer => new[] { layer.Weight, layer.Bias }))
        {
            squares += TensorPrimitives.SumOfSquares<float>(estimate[parameter]);
            exactSquares += TensorPrimitives.SumOfSquares<float>(exact[parameter]);
            product += TensorPrimitives.Dot<float>(estimate[parameter], exact[parameter]);
        }

        double norms = Math.Sqrt(squares) * Math.Sqrt(exactSquares);
        return new GradientAgreement(Math.Sqrt(squares), Math.Sqrt(exactSquares), norms > 0 ? Math.Clamp(product / norms, -1, 1) : 0);
    }
}
