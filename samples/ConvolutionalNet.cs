// Trains a convolutional network without backpropagation on digits that the program draws. Each block learns from losses of its
// own, one for each position and group of channels. Prints the test error after each of 3 epochs, about 11 % at the end.
#:project ../src/Onward/Onward.csproj

using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

Network network = new(
    input: new(Height: 28, Width: 28, Channels: 1),
    [
        new(new Conv2d(1, 32, kernelSize: 3, stride: 2, padding: 1), new LayerNorm(32), new Relu()) { Groups = 4 },
        new(new Conv2d(32, 64, kernelSize: 3, stride: 2, padding: 1), new LayerNorm(64), new Relu()) { Groups = 8 },
        new(new Conv2d(64, 128, kernelSize: 3, stride: 2, padding: 1), new LayerNorm(128), new Relu()) { Groups = 8 },
        new(new Flatten(), new Linear(4 * 4 * 128, 256), new LayerNorm(256), new Relu()) { Groups = 8 },
    ],
    classes: 10);
network.Initialize(seed: 1);
using WorkerTeam team = new(Environment.ProcessorCount);
TrainingStep step = new(network, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 1), team);
TrainingOptions options = new() { Epochs = 3, LearningRate = 0.1, Seed = 1 };
new Trainer(step, DigitsSource.Load(), options, TimeProvider.System).Run(
    epochEnded: epoch => Console.WriteLine($"epoch {epoch.Epoch}: test error {epoch.TestError:F2} %"));
