// Writes a layer of your own, checks it with LayerContract, and trains a small convolutional network with it on digits that the program
// draws, without backpropagation. Prints the faults of a layer with a wrong derivative, then the test error after each of 4
// epochs, about 27 % at the end.
#:project ../src/Onward/Onward.csproj
#:project ../src/Onward.Laboratory/Onward.Laboratory.csproj

using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Laboratory;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

Console.WriteLine($"faults of Squareplus: {LayerContract.FaultsOf(new Squareplus(), input: new(Height: 4, Width: 4, Channels: 12)).Count}");
foreach (string fault in LayerContract.FaultsOf(new Squareplus(slope: 1.1f), new(4, 4, 12)))
{
    Console.WriteLine(fault);
}

Network network = new(
    input: new(Height: 28, Width: 28, Channels: 1),
    [
        new(new Conv2d(1, 16, 5, stride: 2, padding: 2), new LayerNorm(16), new Squareplus()) { Groups = 4 },
        new(new MaxPool2d(2), new Conv2d(16, 32, 3, padding: 1), new LayerNorm(32), new Squareplus()) { Groups = 8 },
        new(new Flatten(), new Linear(7 * 7 * 32, 256), new LayerNorm(256), new Relu()) { Groups = 8 },
    ],
    classes: 10);
network.Initialize(seed: 1);
using WorkerTeam team = new(Environment.ProcessorCount);
TrainingStep step = new(network, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 1), team);
TrainingOptions options = new() { Epochs = 4, LearningRate = 0.1, Seed = 1 };
new Trainer(step, DigitsSource.Load(), options, TimeProvider.System).Run(
    epochEnded: epoch => Console.WriteLine($"epoch {epoch.Epoch}: test error {epoch.TestError:F2} %"));

// y = (x + sqrt(x^2 + 4)) / 2; another slope than 1 makes the derivative wrong.
internal sealed class Squareplus(float slope = 1) : RowLayer
{
    public override DerivativeSource DerivativeSource => DerivativeSource.Input;

    public override Reach Reach => Reach.Same; // a number of the input changes the same number of the output alone

    public override void Apply(ReadOnlySpan<float> input, Span<float> output, Span<float> state)
    {
        for (int i = 0; i < input.Length; i++)
        {
            output[i] = (input[i] + MathF.Sqrt((input[i] * input[i]) + 4)) / 2;
        }
    }

    public override void ApplyTangent(
        ReadOnlySpan<float> source, ReadOnlySpan<float> state, ReadOnlySpan<float> tangent, Span<float> result)
    {
        for (int i = 0; i < source.Length; i++)
        {
            result[i] = slope * tangent[i] * (1 + (source[i] / MathF.Sqrt((source[i] * source[i]) + 4))) / 2;
        }
    }
}
