using System.Numerics.Tensors;
using Onward.Autodiff;

namespace Onward.Tests.Autodiff;

/// <summary>A user's network: three affine maps, layer norm and ReLU between them, cross-entropy of each example.</summary>
internal static class Mlp
{
    public static readonly int[] Labels = [0, 2, 1, 1, 0];
    public static readonly DualTensor<double> Points = DualTensor.Constant(Draw.Normals<double>(50, [5, 4]));
    public static readonly int[] Widths = [4, 5, 6, 3];

    public static IReadOnlyDictionary<string, Tensor<double>> Parameters { get; } = Enumerable.Range(1, 3)
        .SelectMany(
            layer => new (string Name, int[] Shape)[] { ($"w{layer}", [Widths[layer - 1], Widths[layer]]), ($"b{layer}", [Widths[layer]]) })
        .ToDictionary(
            parameter => parameter.Name,
            parameter => Draw.Normals<double>((uint)(60 + parameter.Name[1] + (parameter.Shape.Length * 10)), parameter.Shape));

    public static int Count => Parameters.Values.Sum(tensor => (int)tensor.FlattenedLength);

    /// <summary>[N] losses, given how an affine map is made.</summary>
    public static DualTensor<double> Losses(Func<DualTensor<double>, string, string, DualTensor<double>> affine)
    {
        DualTensor<double> hidden = affine(Points, "w1", "b1").LayerNorm().Relu();
        hidden = affine(hidden, "w2", "b2").LayerNorm().Relu();
        return -affine(hidden, "w3", "b3").LogSoftmax(-1).Pick(Labels);
    }

    public static DualTensor<double> Losses(ForwardSweep<double> sweep) => Losses(sweep.Affine);

    public static DualTensor<double> MeanLoss(IReadOnlyDictionary<string, DualTensor<double>> p) =>
        Losses((x, w, b) => x.MatMul(p[w]) + p[b]).Mean();

    /// <summary>
    /// The gradient of the mean loss, derived on paper from the last layer to the first. With feedback, the error passes a weight
    /// through the given matrix instead of the weight's transpose.
    /// </summary>
    public static IReadOnlyDictionary<string, double[]> Gradient(Func<string, DualTensor<double>>? feedback = null)
    {
        Dictionary<string, DualTensor<double>> p = Parameters.ToDictionary(
            parameter => parameter.Key, parameter => DualTensor.Constant(parameter.Value));
        DualTensor<double>[] input = [Points, Points, Points], z = [Points, Points, Points];
        for (int l = 0; l < 3; l++)
        {
            z[l] = input[l].MatMul(p[$"w{l + 1}"]) + p[$"b{l + 1}"];
            if (l < 2)
            {
                input[l + 1] = z[l].LayerNorm().Relu();
            }
        }

        Dictionary<string, double[]> gradient = [];
        DualTensor<double> dz = (z[2].Softmax(-1) - DualTensor.OneHot<double>(Labels, 3)) / Labels.Length;
        for (int l = 2; l >= 0; l--)
        {
            gradient[$"w{l + 1}"] = input[l].Transpose().MatMul(dz).Values.ToArray();
            gradient[$"b{l + 1}"] = dz.Sum([0]).Values.ToArray();
            if (l > 0)
            {
                DualTensor<double> dh = dz.MatMul(feedback?.Invoke($"w{l + 1}") ?? p[$"w{l + 1}"].Transpose());
                DualTensor<double> n = z[l - 1].LayerNorm();
                DualTensor<double> dn = DualTensor.Constant(
                    [.. dh.Values.ToArray().Zip(n.Values.ToArray(), (d, v) => v > 0 ? d : 0)], n.Shape);
                DualTensor<double> variance = (z[l - 1] - z[l - 1].Mean([-1], keep: true)).Square().Mean([-1], keep: true);
                dz = (dn - dn.Mean([-1], keep: true) - (n * (n * dn).Mean([-1], keep: true))) / (variance + 1e-5).Sqrt();
            }
        }

        return gradient;
    }
}
