using Onward.Kernels;
using Onward.Models;

namespace Onward.Training;

/// <summary>Agreement between the gradient estimate of a block's layers and the exact gradient of the same losses.</summary>
/// <param name="Norm">Euclidean norm of the estimate.</param>
/// <param name="ExactNorm">Euclidean norm of the exact gradient.</param>
/// <param name="Cosine">Cosine of the angle between the two gradients, -1 to 1; 0 if either is zero.</param>
public readonly record struct GradientAgreement(double Norm, double ExactNorm, double Cosine)
{
    /// <summary>Compares the gradients of every block's layers. Heads are left out because their gradients are exact.</summary>
    /// <param name="model">The model.</param>
    /// <param name="estimate">The estimated gradients.</param>
    /// <param name="exact">The exact gradients.</param>
    /// <returns>The agreement of each block. [block]</returns>
    public static GradientAgreement[] Measure(Network model, ParameterVector estimate, ParameterVector exact)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(estimate);
        ArgumentNullException.ThrowIfNull(exact);
        return [.. model.Blocks.Select(block => Measure(block, estimate, exact))];
    }

    /// <summary>Averages norms and cosines over several steps. The input is [step][block], the result [block].</summary>
    internal static GradientAgreement[] Mean(IReadOnlyList<GradientAgreement[]> steps) => steps.Count == 0 ? [] :
    [
        .. Enumerable.Range(0, steps[0].Length).Select(k => new GradientAgreement(
            steps.Average(blocks => blocks[k].Norm),
            steps.Average(blocks => blocks[k].ExactNorm),
            steps.Average(blocks => blocks[k].Cosine))),
    ];

    private static GradientAgreement Measure(NetworkBlock block, ParameterVector estimate, ParameterVector exact)
    {
        double squares = 0, exactSquares = 0, product = 0;
        foreach (Parameter parameter in block.Layers.SelectMany(layer => new[] { layer.Weight, layer.Bias }))
        {
            squares += Reduction.SumOfSquares(estimate[parameter]);
            exactSquares += Reduction.SumOfSquares(exact[parameter]);
            product += Reduction.Dot(estimate[parameter], exact[parameter]);
        }

        double norms = Math.Sqrt(squares) * Math.Sqrt(exactSquares);
        return new GradientAgreement(Math.Sqrt(squares), Math.Sqrt(exactSquares), norms > 0 ? Math.Clamp(product / norms, -1, 1) : 0);
    }
}
