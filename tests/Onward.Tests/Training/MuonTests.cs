using Onward.Kernels;
using Onward.Layers;
using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

/// <summary>Muon orthogonalises the matrices of layers, and leaves all else to AdamW.</summary>
public sealed class MuonTests
{
    private static readonly Muon Optimizer = new(0.95, new AdamW(0.9, 0.99, 0.02));

    // A convolution, a grouped convolution, one of single channels, attention's matrices, matrices of groups.
    private static Network Layers() => new(
        new ExampleShape(6, 6, 3),
        [
            new Block([new Conv2d(3, 8, 3, padding: 1), new Relu(), new Conv2d(8, 8, 3, padding: 1, groups: 2)]),
            new Block([new Conv2d(8, 8, 3, padding: 1, groups: 8), new GroupedLinear(2, 4), new Linear(8, 12)]),
        ],
        classes: 5);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Matrices_are_orthogonalised_and_the_rest_is_AdamW(int threads)
    {
        Network model = Layers();
        model.Initialize(3);
        using WorkerTeam team = new(threads);
        ParameterUpdate update = new(model.Values.Layout, Optimizer, team);
        ParameterVector gradients = new(model.Values.Layout), expected = new(model.Values.Layout), velocity = new(model.Values.Layout);
        ParameterVector squares = new(model.Values.Layout);
        model.Values.All.CopyTo(expected.All);
        for (int step = 1; step <= 3; step++)
        {
            Numbers.Uniform(step, gradients.All.Length).CopyTo(gradients.All);
            foreach (Parameter parameter in model.Values.Layout.Parameters)
            {
                if (MatricesOf(parameter) is not MatrixGroups matrices)
                {
                    Optimizer.Others.Update(
                        new(expected[parameter], gradients[parameter], velocity[parameter], squares[parameter], step),
                        0.1,
                        parameter.IsMatrix);
                    continue;
                }

                float[] nesterov = new float[parameter.Length];
                for (int i = 0; i < nesterov.Length; i++)
                {
                    velocity[parameter][i] = (0.95f * velocity[parameter][i]) + gradients[parameter][i];
                    nesterov[i] = gradients[parameter][i] + (0.95f * velocity[parameter][i]);
                }

                double scale = 0.2 * Math.Sqrt(Math.Max(matrices.Rows, matrices.Columns));
                new NewtonSchulz([matrices], null).Run(
                    matrices,
                    (start, row) => nesterov.AsSpan(start, row.Length).CopyTo(row),
                    (start, row) =>
                    {
                        for (int i = 0; i < row.Length; i++)
                        {
                            expected[parameter][start + i] -=
                                (float)(0.1 * ((scale * row[i]) + (0.02 * expected[parameter][start + i])));
                        }
                    });
            }

            update.Apply(model.Values, gradients, 0.1);

            foreach (Parameter parameter in model.Values.Layout.Parameters)
            {
                Tolerance.Near(
                    expected[parameter], model.Values[parameter], Tolerance.Network, $"{parameter.Name} after step {step}", scale: 1);
            }
        }

        Assert.Equal(3, update.Steps);
    }

    [Fact]
    public void Each_layer_names_its_matrices()
    {
        Network model = Layers();

        Assert.Equal(
            [
                new MatrixGroups(1, 27, 8, 8, 8), new(2, 36, 4, 4, 8), null, new(2, 4, 4, 16, 4), new(1, 8, 12, 96, 12),
            ],
            model.Blocks.SelectMany(block => block.Layers).Select(layer => layer.Weight.Matrices));
        Assert.All(model.Heads, head => Assert.Null(head.Weight.Matrices));
    }

    [Fact]
    public void Threads_change_no_bit()
    {
        float[] With(int threads)
        {
            Network model = LocalMixer.Build(LocalMixerPresets.Get("M/8/16", imageSide: 32, imageChannels: 3, classes: 10));
            model.Initialize(3);
            using WorkerTeam team = new(threads);
            ParameterUpdate update = new(model.Values.Layout, Optimizer, team);
            ParameterVector gradients = new(model.Values.Layout);
            Numbers.Uniform(4, gradients.All.Length).CopyTo(gradients.All);
            update.Apply(model.Values, gradients, 0.01);
            return [.. model.Values.All];
        }

        Tolerance.Same(With(1), With(3), "values");
    }

    private static MatrixGroups? MatricesOf(Parameter parameter) => parameter.Shape.Count switch
    {
        _ when !parameter.IsMatrix || parameter.Name == "readout.weight" || parameter.Name.Contains("head") => null,
        4 when parameter.Shape[2] == 1 => null,
        4 when parameter.Shape[2] == 4 => new(2, 36, 4, 4, 8),
        3 => new(2, 4, 4, 16, 4),
        _ => MatrixGroups.Of(parameter.Shape),
    };
}
